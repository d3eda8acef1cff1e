"""Which of two shell patterns matches more: the order in which one policy's entries are compared with another's.

Names are matched by ``*`` (any text), ``?`` (one character) and ``[...]`` (one of several). Paths are matched segment by
segment, and ``**`` stands for any number of segments. Both answers err on one side, so that what cannot be ordered is never
called equal: :func:`covers` says yes only when it is certain, :func:`overlap` says no only when it is certain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

_TOKEN = re.compile(r"\[!?+.[^\]]*\]|.", re.DOTALL)
_UNPINNED = re.compile(r"\[[^\]]*\]?|[*?\]]")


def more_specific(one: str, other: str) -> bool:
    """Whether ``one`` decides before ``other`` for a name that both match.

    A plain name comes first, then the pattern with more literal characters, then the alphabet: the order in which
    :func:`auditor.compare.tolerance.metric_tolerance` looks tolerances up.
    """
    (plain, literals), (other_plain, other_literals) = _pinned(one), _pinned(other)
    if plain != other_plain:
        return plain
    return literals > other_literals or (literals == other_literals and one < other)


@cache
def covers(wide: str, narrow: str) -> bool:
    """Whether every name that ``narrow`` matches is certainly matched by ``wide``, too."""
    return wide == narrow or _absorbs(_tokens(wide), _tokens(narrow), star="*", holds=_holds)


@cache
def covers_path(wide: str, narrow: str) -> bool:
    """Whether every path that ``narrow`` matches is certainly matched by ``wide``, too."""
    return wide == narrow or _absorbs(_segments(wide), _segments(narrow), star="**", holds=_holds_segment)


@cache
def overlap(one: str, other: str) -> bool:
    """Whether some name may be matched by both patterns."""
    a, b = _tokens(one), _tokens(other)
    reachable = {(0, 0)}
    seen: set[tuple[int, int]] = set()
    while reachable:
        i, j = reachable.pop()
        seen.add((i, j))
        if i == len(a) and j == len(b):
            return True
        steps = []
        if i < len(a) and a[i] == "*":
            steps += [(i + 1, j)] + ([(i, j + 1)] if j < len(b) else [])
        if j < len(b) and b[j] == "*":
            steps += [(i, j + 1)] + ([(i + 1, j)] if i < len(a) else [])
        if i < len(a) and j < len(b) and "*" not in (a[i], b[j]) and _may_equal(a[i], b[j]):
            steps.append((i + 1, j + 1))
        reachable.update(step for step in steps if step not in seen)
    return False


def _absorbs(wide: Sequence[str], narrow: Sequence[str], *, star: str, holds: Callable[[str, str], bool]) -> bool:
    """Whether ``wide`` matches the text of ``narrow``, whose own stars only a star can absorb.

    That is enough for containment: whatever a star of ``narrow`` stands for, the star that absorbed it stands for it, too.
    """
    row = [True] + [False] * len(narrow)
    for token in wide:
        following = [token == star and row[0]]
        for index, part in enumerate(narrow):
            if token == star:
                following.append(row[index + 1] or following[index])
            else:
                following.append(row[index] and part != star and holds(token, part))
        row = following
    return row[-1]


def _holds(token: str, part: str) -> bool:
    # A set of characters in ``narrow`` may also be meant as it is written, and is left to a star.
    return len(part) == 1 and token in ("?", part)


def _holds_segment(segment: str, part: str) -> bool:
    return segment != "**" and covers(segment, part)


def _may_equal(one: str, other: str) -> bool:
    return one == other or _is_wild(one) or _is_wild(other)


def _pinned(pattern: str) -> tuple[bool, int]:
    """Whether the pattern is a plain name, and how many characters of a name it pins down; a set pins none."""
    return not any(map(_is_wild, _tokens(pattern))), len(_UNPINNED.sub("", pattern))


def _is_wild(token: str) -> bool:
    return token in {"*", "?"} or len(token) > 1


def _segments(pattern: str) -> list[str]:
    # A closing ** stands for what is *inside* a folder: some folders, then a name.
    segments = pattern.split("/")
    return [*segments, "*"] if segments[-1] == "**" else segments


def _tokens(pattern: str) -> list[str]:
    return _TOKEN.findall(pattern)
