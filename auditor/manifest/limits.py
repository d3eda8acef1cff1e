"""How large a document may be before it is refused unread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds that hold before the objects they bound are built.

    ``size`` is in bytes, ``depth`` in levels of nesting, ``nodes`` in values (keys not counted, aliases expanded),
    ``aliased`` in values, and ``aliased_text`` in characters, that come into being through YAML aliases alone.
    """

    size: int = 16 * 1024 * 1024
    depth: int = 64
    nodes: int = 1_000_000
    aliased: int = 10_000
    aliased_text: int = 1_000_000


DEFAULT: Final = Limits()

LARGEST_INTEGER: Final = 2**53 - 1
"""Integers beyond this have no RFC 8785 form, because a reader that uses doubles would see another number."""
