"""Finds the packages of a ``uv.lock`` that an interpreter needs: such a lock is a graph for every machine at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from auditor.errors import UndecidableError

_ROOTS = {"virtual", "editable"}


def needed(packages: list[dict[str, object]], machine: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """``(name, version)`` of what the project depends on where ``machine`` holds, every group and extra of it included.

    Raises:
        UndecidableError: the library that reads markers is not installed, or a marker cannot be read.
    """
    versions: dict[str, list[str]] = {}
    by_key = {}
    for package in packages:
        key = (str(package.get("name")), str(package.get("version", "")))
        versions.setdefault(key[0], []).append(key[1])
        by_key[key] = package
    roots = [key for key, package in by_key.items() if _ROOTS & _table(package.get("source")).keys()]
    waiting = [*roots] or [*by_key]
    found: set[tuple[str, str]] = set()
    while waiting:
        key = waiting.pop()
        if key in found or key not in by_key:
            continue
        found.add(key)
        for edge in _edges(by_key[key], all_of=key in roots):
            if _holds(str(edge.get("marker", "")), machine):
                name = str(edge.get("name"))
                chosen = [str(edge["version"])] if "version" in edge else versions.get(name, [])
                waiting += [(name, version) for version in chosen]
    return frozenset(found)


def _edges(package: Mapping[str, object], *, all_of: bool) -> Iterator[Mapping[str, object]]:
    """Dependencies. Which extras somebody asks for stands in the edges that lead here; asking for all is never too few."""
    yield from _tables(package.get("dependencies"))
    for group in _table(package.get("optional-dependencies")).values():
        yield from _tables(group)
    if all_of:
        for group in _table(package.get("dev-dependencies")).values():
            yield from _tables(group)


def _holds(marker: str, machine: Mapping[str, str]) -> bool:
    if not marker:
        return True
    try:
        from packaging.markers import InvalidMarker, Marker, UndefinedComparison  # noqa: PLC0415  (optional: the extra `rebuild`)
    except ImportError:
        raise UndecidableError(
            "reading the markers of a uv.lock needs the library packaging", hint="pip install 'ml-run-auditor[rebuild]'"
        ) from None
    try:
        return Marker(marker).evaluate({**machine, "extra": ""})
    except (InvalidMarker, UndefinedComparison) as error:
        raise UndecidableError(f"the lock has a marker that cannot be read: {error}") from None


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _tables(value: object) -> Iterator[dict[str, object]]:
    yield from (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
