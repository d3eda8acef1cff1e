"""Mappings of checks to the items of published checklists and rules: dated data files in ``checks/mappings/``.

A mapping says which checks gather evidence that speaks to an item. It never says that an item is met: that is for people.
"""

from __future__ import annotations

from functools import cache

import msgspec

from auditor.catalogue.check import catalogue
from auditor.errors import UsageError
from auditor.manifest.reader import read_file
from auditor.resources import folder


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One item of a published list and the ids of the checks that gather evidence about it."""

    id: str
    title: str
    checks: tuple[str, ...] = ()


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One published list. ``dated`` is the day of the edition that was mapped; ``note`` says how far to trust it."""

    title: str
    edition: str
    source: str
    dated: str
    note: str
    items: tuple[Item, ...]


@cache
def names() -> tuple[str, ...]:
    """The names of the mappings that come with the auditor, sorted."""
    return tuple(sorted(path.stem for path in (folder("checks") / "mappings").glob("*.yaml")))


def mapping(name: str) -> Mapping:
    """The mapping called ``name``.

    Raises:
        UsageError: there is none, or it names a check that does not exist.
    """
    if name not in names():
        raise UsageError(f"there is no mapping called {name!r}", hint=f"mappings: {', '.join(names())}")
    found = msgspec.convert(read_file(folder("checks") / "mappings" / f"{name}.yaml").value, Mapping)
    gone = sorted({check for item in found.items for check in item.checks} - set(catalogue()))
    if gone:
        raise UsageError(f"the mapping {name} names {gone[0]}, which is no check")
    return found
