"""Merges configuration files and overrides into the effective configuration, and remembers where each value came from."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from auditor import digest, redact
from auditor.errors import UsageError
from auditor.model.run import Configuration, FileRef, Json, Origin
from auditor.record import lenient
from auditor.record.lenient import escape


@dataclass(slots=True, kw_only=True)
class Effective:
    """The effective configuration of one run, before anything is redacted.

    ``files`` are in order of merging. ``layers`` counts files plus one for all overrides together; a program that opens its
    single file itself needs no effective configuration, one with several layers does.
    """

    value: dict[str, Json] = field(default_factory=dict)
    files: tuple[FileRef, ...] = ()
    origins: dict[str, Origin] = field(default_factory=dict)
    layers: int = 0

    @property
    def is_single_file(self) -> bool:
        """Whether one unchanged file is the whole configuration."""
        return self.layers == 1 and len(self.files) == 1

    def claim(self) -> tuple[Configuration, list[str]]:
        """What a manifest says about it, secrets replaced, and the JSON Pointers of what was replaced."""
        clean, hidden = redact.value(self.value)
        origins = {p: self._without_secrets(p, o, hidden) for p, o in self.origins.items()}
        effective: dict[str, Json] = clean if isinstance(clean, dict) else {}
        claim = Configuration(files=self.files, effective=effective, digest=digest.of_value(effective), origins=origins)
        return claim, hidden

    @staticmethod
    def _without_secrets(pointer: str, origin: Origin, hidden: list[str]) -> Origin:
        # A list is one leaf with one origin: a secret inside it, or a shadowed value that was one, hides all of it.
        shadows = redact.value({pointer.rpartition("/")[2]: list(origin.shadows)})[1]
        if shadows or any(f"{place}/".startswith(f"{pointer}/") for place in hidden):
            return Origin(source=origin.source, detail=_place(origin.detail))
        return origin


def resolve(files: Sequence[str], overrides: Sequence[str], root: Path) -> Effective:
    """Merges ``files`` (paths below ``root``) in order, then ``overrides`` (``KEY=VALUE``, dotted keys).

    Mappings are merged key by key, everything else replaced whole.

    Raises:
        UsageError: a file cannot be read, or an override has no key or does not fit what it changes.
    """
    found = Effective(layers=len(files) + bool(overrides))
    for name in files:
        value, lines = lenient.read(root / name, name=name)
        origins = {
            p: Origin(source="file", detail=f"{name}:{lines[p]}" if p in lines else name) for p in lenient.pointers(value)
        }
        _merge(found, found.value, value, "", origins)
    found.files = tuple(FileRef(path=name, digest=digest.of_file(root / name)[0]) for name in files)
    for override in overrides:
        key, new = parse_override(override)
        _override(found, key, new, override)
    return found


def parse_override(override: str) -> tuple[str, Json]:
    """Key and value of ``KEY=VALUE``; the value is JSON where it can be read as such, else text.

    Raises:
        UsageError: there is no key or no ``=``.
    """
    key, equals, text = override.partition("=")
    if not equals or not all(key.split(".")):
        raise UsageError(f"{override!r} is not KEY=VALUE", hint="write for example --set optimizer.lr=0.1")
    try:
        value: Json = json.loads(text, parse_constant=_refuse_constant)
        digest.canonical_bytes(value)
    except (ValueError, RecursionError):
        value = text
    return key, value


def change(value: dict[str, Json], key: str, new: Json) -> dict[str, Json]:
    """A copy of a configuration with the dotted ``key`` set to ``new``.

    Raises:
        UsageError: the key leads through something that is no mapping or list.
    """
    changed = copy.deepcopy(value)
    holder, last = _holder(changed, key)
    if isinstance(holder, list):
        holder[int(last)] = new
    else:
        holder[last] = new
    return changed


def has(value: dict[str, Json], key: str) -> bool:
    """Whether the dotted ``key`` exists."""
    try:
        lookup(value, key)
    except KeyError:
        return False
    return True


def lookup(value: dict[str, Json], key: str) -> Json:
    """The value at the dotted ``key``.

    Raises:
        KeyError: there is none.
    """
    node: Json = value
    for part in key.split("."):
        if isinstance(node, dict) and part in node:
            node = node[part]
        elif isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        else:
            raise KeyError(key)
    return node


def _merge(found: Effective, into: dict[str, Json], new: dict[str, Json], prefix: str, origins: dict[str, Origin]) -> None:
    for key, value in new.items():
        pointer = f"{prefix}/{escape(key)}"
        old = into.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            _merge(found, old, value, pointer, origins)
        else:
            shadowed = _leaves(old, pointer) if key in into else {}
            into[key] = copy.deepcopy(value)
            _note(found, pointer, {leaf: origins[leaf] for leaf in lenient.pointers(value, pointer)}, shadowed)


def _override(found: Effective, key: str, new: Json, override: str) -> None:
    pointer = "".join(f"/{escape(part)}" for part in key.split("."))
    shadowed = _leaves(lookup(found.value, key), pointer) if has(found.value, key) else {}
    found.value = change(found.value, key, new)
    origin = Origin(source="set", detail=redact.text(f"--set {override}"))
    _note(found, pointer, dict.fromkeys(lenient.pointers(new, pointer), origin), shadowed)


def _leaves(value: Json, pointer: str) -> dict[str, Json]:
    if isinstance(value, dict) and value:
        return {p: leaf for key, child in value.items() for p, leaf in _leaves(child, f"{pointer}/{escape(key)}").items()}
    return {pointer: value}


def _note(found: Effective, pointer: str, origins: dict[str, Origin], old: dict[str, Json]) -> None:
    """Enters the origins of the leaves at or below ``pointer``; values there before are shadowed, latest first."""
    overlapping = [p for p in found.origins if f"{p}/".startswith(f"{pointer}/") or pointer.startswith(f"{p}/")]
    gone = {p: found.origins.pop(p) for p in overlapping}
    for leaf, origin in origins.items():
        former = gone.get(leaf)
        shadows = (old[leaf], *former.shadows) if former else ()
        found.origins[leaf] = Origin(source=origin.source, detail=origin.detail, shadows=shadows)


def _holder(value: dict[str, Json], key: str) -> tuple[dict[str, Json] | list[Json], str]:
    parts = key.split(".")
    node: Json = value
    for part in parts[:-1]:
        if isinstance(node, dict):
            node = node.setdefault(part, {})
        elif isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
    last = parts[-1]
    if isinstance(node, dict) or (isinstance(node, list) and last.isdigit() and int(last) < len(node)):
        return node, last
    raise UsageError(f"{key} leads through a value that is no mapping", hint="check the key against the --config files")


def _place(detail: str | None) -> str | None:
    return detail.partition("=")[0] if detail is not None else None


def _refuse_constant(name: str) -> Json:
    raise ValueError(name)
