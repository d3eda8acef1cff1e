"""Which of several patterns of names decides."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TypeVar

_Value = TypeVar("_Value")


def most_specific(patterns: Mapping[str, _Value], name: str) -> tuple[str, _Value] | None:
    """The name itself, else the matching pattern with the most literal characters (ties: the first in the alphabet)."""
    if name in patterns:
        return name, patterns[name]
    matching = [pattern for pattern in patterns if fnmatchcase(name, pattern)]
    if not matching:
        return None
    best = min(matching, key=lambda pattern: (-literals(pattern), pattern))
    return best, patterns[best]


def literals(pattern: str) -> int:
    """How many characters of a name the pattern pins down; a bracketed set pins none."""
    count, within = 0, False
    for character in pattern:
        if character == "[":
            within = True
        elif character == "]":
            within = False
        elif not within and character not in "*?":
            count += 1
    return count
