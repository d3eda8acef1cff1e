"""How manifests of earlier schema versions are read as the newest one. Every version that was released is read for ever."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]

UPGRADES: Final[dict[str, Upgrade]] = {}
"""What makes a manifest of a version one of the newest, by that version. It is given a mapping of its own, and may assume
nothing about its shape beyond that: what an upgrade cannot read it leaves as it is, and the newest version refuses it.

A manifest's shape is judged by the schema of its own version, and its digest is that of what was written.
"""


def newest(value: Mapping[str, Any], version: str) -> Mapping[str, Any]:
    """``value``, which says that it is of ``version``, in the shape of the newest."""
    upgrade = UPGRADES.get(version)
    return value if upgrade is None else upgrade(dict(value))
