"""Changes single values in the text of a configuration file, leaving everything else as its author wrote it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import yaml

from auditor.errors import UndecidableError
from auditor.model.run import Json

_LIMIT = 4 << 20
_DEPTH = 64
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def changed(raw: bytes, values: Mapping[str, Json], *, is_json: bool) -> str:
    """The text of a configuration file with ``values`` (by dotted key or JSON Pointer) in the place of its own.

    A scalar of a YAML file is replaced where it stands. A key that is not there yet is added by writing the file anew.

    Raises:
        UndecidableError: the file cannot be read, or has no place for a value.
    """
    try:
        text = raw.decode("utf-8-sig")
        if len(raw) > _LIMIT:
            raise UndecidableError("the configuration file is too large to be changed")
        if is_json:
            return json.dumps(_put_all(json.loads(text), values), indent=2) + "\n"
        return _in_yaml(text, values)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise UndecidableError(f"the configuration file cannot be changed: {error}") from error


def _in_yaml(text: str, values: Mapping[str, Json]) -> str:
    _bound_depth(text)
    root = yaml.compose(text, Loader=_LOADER)
    places = []
    for key, value in values.items():
        node = _find(root, key)
        if node is None or text[node.start_mark.index] in "&!":  # an anchor or a tag would be lost
            whole: str = yaml.safe_dump(_put_all(yaml.load(text, Loader=_LOADER), values), sort_keys=False)  # noqa: S506
            return whole
        places.append((node.start_mark.index, node.end_mark.index, _scalar(value)))
    for start, end, new in sorted(places, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _find(root: yaml.Node | None, key: str) -> yaml.ScalarNode | None:
    top = {child.value: child for child, _ in root.value} if isinstance(root, yaml.MappingNode) else {}
    node: yaml.Node | None = root
    for part in steps(top, key):
        match node:
            case yaml.MappingNode():
                # The last of two equal keys wins, as it does for the program.
                node = next((value for name, value in reversed(node.value) if name.value == part), None)
            case yaml.SequenceNode() if part.isdecimal() and int(part) < len(node.value):
                node = node.value[int(part)]
            case _:
                return None
    return node if isinstance(node, yaml.ScalarNode) else None


def _scalar(value: Json) -> str:
    text = json.dumps(value)
    # YAML 1.1 takes 1e-05 for text: a float needs its point.
    if isinstance(value, float) and "e" in text and "." not in text:
        return text.replace("e", ".0e")
    return text


def _bound_depth(text: str) -> None:
    # Composing recurses in C without a guard: the depth is counted on flat events first.
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEPTH:
            raise UndecidableError(f"the configuration file is nested deeper than {_DEPTH} levels")


def _put_all(tree: Json, values: Mapping[str, Json]) -> Json:
    if not isinstance(tree, dict):
        raise UndecidableError("the configuration file holds no mapping")
    for key, value in values.items():
        put(tree, key, value)
    return tree


def steps(tree: Mapping[str, object], key: str) -> list[str]:
    """The way from the root to ``key``: a JSON Pointer's tokens, a name that exists as it is, or a dotted key's parts."""
    if key.startswith("/"):
        return [part.replace("~1", "/").replace("~0", "~") for part in key[1:].split("/")]
    return [key] if key in tree else key.split(".")


def put(tree: dict[str, Json], key: str, value: Json) -> None:
    """Set the value at ``key``, a dotted key or a JSON Pointer, in place.

    Raises:
        UndecidableError: there is no such place.
    """
    parts = steps(tree, key)
    node: Json = tree
    for part in parts[:-1]:
        node = _step(node, part, key)
    match node:
        case dict():
            node[parts[-1]] = value
        case list() if parts[-1].isdecimal() and int(parts[-1]) < len(node):
            node[int(parts[-1])] = value
        case _:
            raise UndecidableError(f"the effective configuration has no place {key}")


def _step(node: Json, part: str, key: str) -> Json:
    match node:
        case dict() if part in node:
            return node[part]
        case list() if part.isdecimal() and int(part) < len(node):
            return node[int(part)]
        case _:
            raise UndecidableError(f"the effective configuration has no place {key}")
