"""Reads a user's own configuration file: any honest YAML or JSON, bounded, as JSON values with the line of each.

Manifests and policies are read strictly elsewhere. A configuration is read the way its own program reads it (PyYAML's safe
loader), with two differences: ``1e-4`` is the number that was meant, and dates stay text, because JSON has none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

from auditor.errors import UnreadableError, UsageError
from auditor.model.run import Json

_LIMIT: Final = 4 << 20
_DEPTH: Final = 48  # a manifest holds it, some levels deeper
_NODES: Final = 200_000
_SAFE_INTEGER: Final = (1 << 53) - 1
_EXPONENT = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[eE][-+]?[0-9]+\Z")
_COLLECTIONS: Final = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Lines = dict[str, int]
"""Line, counted from 1, by JSON Pointer."""


def read(path: Path, *, name: str) -> tuple[dict[str, Json], Lines]:
    """The mapping in the file at ``path``, and where each of its values stands.

    Raises:
        UsageError: the file cannot be read, holds no mapping, or a value that has no JSON form.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(_LIMIT + 1)
    except OSError as error:
        raise UsageError(f"--config {name}: {error.strerror}") from error
    if len(raw) > _LIMIT:
        raise UsageError(f"--config {name}: larger than {_LIMIT} bytes")
    value, lines = _read_json(raw, name) if path.suffix == ".json" else _Yaml(name).read(raw)
    if not isinstance(value, dict):
        raise UsageError(f"--config {name}: holds no mapping of names to values")
    return value, lines


def _read_json(raw: bytes, name: str) -> tuple[Json, Lines]:
    # JSON has no dialects to be lenient about.
    from auditor.manifest.reader import read as read_document  # noqa: PLC0415  (validation machinery, only for JSON)

    try:
        document = read_document(raw, source=name)
    except UnreadableError as error:
        raise UsageError(f"--config {error}", hint=error.hint) from error
    places = ((pointer, document.place(pointer)) for pointer in pointers(document.value))
    return document.value, {pointer: place[0] for pointer, place in places if place is not None}


def pointers(value: Json, prefix: str = "") -> Iterator[str]:
    """The JSON Pointer of every leaf in ``value``: scalars, lists and empty mappings."""
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from pointers(child, f"{prefix}/{escape(key)}")
    elif prefix:
        yield prefix


def escape(key: str) -> str:
    """One reference token of a JSON Pointer (RFC 6901, section 3)."""
    return key.replace("~", "~0").replace("/", "~1")


class _Yaml:
    """Builds JSON values out of YAML nodes, counting as it goes so that aliases cannot explode."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes = 0
        self.lines: Lines = {}
        self.scalars = yaml.SafeLoader("")

    def read(self, raw: bytes) -> tuple[Json, Lines]:
        try:
            self._bound_depth(raw)
            node = yaml.compose(raw, Loader=_LOADER)
            return ({} if node is None else self._build(node, "", 0)), self.lines
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            place = f":{mark.line + 1}:{mark.column + 1}" if mark is not None else ""
            words = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
            if "nesting depth" in words:  # newer parsers have a bound of their own, looser than ours
                words = f"nested deeper than {_DEPTH} levels"
            raise UsageError(f"--config {self.name}{place}: {words}") from error

    def _bound_depth(self, raw: bytes) -> None:
        # Composing recurses in C without a guard: the depth is counted on flat events first.
        depth = 0
        for event in yaml.parse(raw, Loader=_LOADER):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > _DEPTH:
                raise self._refusal(event, f"nested deeper than {_DEPTH} levels")

    def _build(self, node: yaml.Node, pointer: str, depth: int) -> Json:
        self.nodes += 1
        if self.nodes > _NODES or depth > _DEPTH:
            raise self._refusal(node, f"aliases expand to more than {_NODES} values or {_DEPTH} levels")
        self.lines[pointer] = _line(node)
        if isinstance(node, yaml.CollectionNode) and node.tag not in _COLLECTIONS:
            raise self._refusal(node, f"the tag {node.tag} has no JSON form")
        if isinstance(node, yaml.MappingNode):
            return {k: self._build(child, f"{pointer}/{escape(k)}", depth + 1) for k, child in self._pairs(node, depth)}
        if isinstance(node, yaml.SequenceNode):
            return [self._build(child, f"{pointer}/{index}", depth + 1) for index, child in enumerate(node.value)]
        return self._scalar(node) if isinstance(node, yaml.ScalarNode) else None

    def _pairs(self, node: yaml.MappingNode, depth: int) -> list[tuple[str, yaml.Node]]:
        """Key and value nodes; ``<<`` merges first, so that the mapping's own keys win; the last of two equal keys wins."""
        if depth > _DEPTH:
            raise self._refusal(node, f"merges nested deeper than {_DEPTH} levels")
        merged: dict[str, yaml.Node] = {}
        own: dict[str, yaml.Node] = {}
        for key, child in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                sources = child.value if isinstance(child, yaml.SequenceNode) else [child]
                for source in sources:
                    if not isinstance(source, yaml.MappingNode):
                        raise self._refusal(source, "only a mapping can be merged")
                    merged = dict(self._pairs(source, depth + 1)) | merged
            elif isinstance(key, yaml.ScalarNode):
                own[str(key.value)] = child
            else:
                raise self._refusal(key, "a key that is not a plain word has no JSON form")
        return list((merged | own).items())

    def _scalar(self, node: yaml.ScalarNode) -> Json:
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        text = str(node.value)
        match kind:
            case "null":
                return None
            case "bool":
                return bool(self.scalars.construct_yaml_bool(node))
            case "int":
                number = int(self.scalars.construct_yaml_int(node))
                if abs(number) > _SAFE_INTEGER:
                    raise self._refusal(node, f"{text} is beyond 2^53 and would not survive JSON; quote it")
                return number
            case "float":
                return self._finite(node, float(self.scalars.construct_yaml_float(node)))
            case "str" if not node.style and _EXPONENT.match(text):
                return self._finite(node, float(text))
            case "str" | "timestamp" | "binary" | "value":
                return text
            case _:
                raise self._refusal(node, f"the tag {node.tag} has no JSON form")

    def _finite(self, node: yaml.ScalarNode, number: float) -> float:
        if not math.isfinite(number):
            raise self._refusal(node, f"{node.value} has no JSON form; quote it or leave it out")
        return number

    def _refusal(self, at: yaml.Node | yaml.Event, words: str) -> UsageError:
        column = at.start_mark.column + 1 if at.start_mark is not None else 1
        return UsageError(f"--config {self.name}:{_line(at)}:{column}: {words}")


def _line(at: yaml.Node | yaml.Event) -> int:
    return at.start_mark.line + 1 if at.start_mark is not None else 1
