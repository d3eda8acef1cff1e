"""Says in which claims two manifests differ, grouped by what a person asks first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from auditor.model.run import Json

GROUPS: Final = {
    "data": ("data",),
    "code": ("code", "stages"),
    "environment": ("environment",),
    "configuration": ("configuration",),
    "seeds": ("randomness",),
    "outputs": ("artifacts", "metrics", "checkpoints", "reproductions"),
    "other": ("run", "observed", "lineage", "unavailable", "extensions"),
}
"""The parts of a manifest under each heading, in the order in which a cause is looked for."""

_LONG: Final = 1000
"""Items from which a list counts as an array: the first place that differs is named, and no other."""

_SHOWN: Final = 200
_IDENTITIES: Final = ("name", "path", "digest")


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One claim that differs. ``at`` is its JSON Pointer, list items by their name, path or digest; None is absent."""

    at: str
    expected: Json = None
    actual: Json = None


def explain(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> dict[str, tuple[Difference, ...]]:
    """The differing claims of two manifests under each heading of :data:`GROUPS`; every heading is there.

    Items of lists are matched by identity (their name, path or digest), not by place: an inserted one is one difference.
    """
    return {
        group: tuple(
            sorted(
                (
                    difference
                    for part in parts
                    for difference in _differences(_by_identity(expected.get(part)), _by_identity(actual.get(part)), part)
                ),
                key=lambda difference: difference.at,
            )
        )
        for group, parts in GROUPS.items()
    }


def _differences(expected: object, actual: object, part: str) -> list[Difference]:
    if expected == actual and type(expected) is type(actual):
        return []
    from deepdiff import DeepDiff  # noqa: PLC0415 - slow to load, and needed only where something differs

    found: list[Difference] = []
    expected, actual = _without_arrays(expected, actual, f"/{_escaped(part)}", found)
    tree = DeepDiff({part: expected}, {part: actual}, view="tree", ignore_numeric_type_changes=True)
    for items in tree.values():
        for item in items:
            at = "".join(f"/{_escaped(str(key))}" for key in item.path(output_format="list"))
            found.append(Difference(at=at, expected=_present(item.t1), actual=_present(item.t2)))
    return found


def _without_arrays(expected: object, actual: object, at: str, found: list[Difference]) -> tuple[object, object]:
    """Both sides without pairs of long lists, which are told apart here: deepdiff needs minutes for a million numbers."""
    match expected, actual:
        case (dict(), dict()):
            shared = {
                key: _without_arrays(expected[key], actual[key], f"{at}/{_escaped(str(key))}", found)
                for key in expected
                if key in actual
            }
            return (
                {key: shared[key][0] if key in shared else value for key, value in expected.items()},
                {key: shared[key][1] if key in shared else value for key, value in actual.items()},
            )
        case (list(), list()) if max(len(expected), len(actual)) > _LONG:
            if expected != actual:
                pairs = enumerate(zip(expected, actual, strict=False))
                place = next((place for place, (one, other) in pairs if one != other), min(len(expected), len(actual)))
                sides = [f"{len(side)} items, here {side[place : place + 1]}" for side in (expected, actual)]
                found.append(Difference(at=f"{at}/{place}", expected=sides[0][:_SHOWN], actual=sides[1][:_SHOWN]))
            return None, None
        case _:
            return expected, actual


def _present(value: object) -> Json:
    """What deepdiff found on one side; its own mark for "nothing there" becomes None."""
    return None if type(value).__name__ == "NotPresent" else value


def _by_identity(value: object) -> object:
    """The same claims with lists of identifiable things as mappings from identity to thing."""
    match value:
        case dict():
            return {key: _by_identity(inner) for key, inner in value.items()}
        case [first, *_] if len(value) > _LONG and not isinstance(first, dict):
            return value
        case list():
            keys = [_identity(item) for item in value]
            if keys and None not in keys and len(set(keys)) == len(keys):
                return {key: _by_identity(item) for key, item in zip(keys, value, strict=True)}
            return [_by_identity(item) for item in value]
        case _:
            return value


def _identity(item: object) -> str | None:
    if not isinstance(item, dict):
        return None
    found = next((item[key] for key in _IDENTITIES if isinstance(item.get(key), str)), None)
    split = item.get("split")
    return f"{found} ({split})" if found is not None and isinstance(split, str) else found


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
