"""Orders two tables of tolerances, in which the most specific pattern that matches a name decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from auditor.model.policy import MetricPair, Pair
from auditor.policy.patterns import covers, more_specific, overlap

_Allowed = Pair | Literal["auto"]
_Table = Mapping[str, MetricPair] | Mapping[str, _Allowed]
_EXACT = Pair()


def widened(at: str, base: _Table, head: _Table) -> Iterator[tuple[str, str]]:
    """``(pointer, message)`` of each pattern of ``head`` that may allow some name more than ``base`` did.

    A name is governed by the most specific pattern that matches it. So pattern ``new`` of ``head`` takes over from pattern
    ``old`` of ``base`` unless no name can match both, or on either side something more specific is in between.
    """
    # What no pattern matches must be equal: as if the table ended in a * that comes after everything else.
    before: dict[str, _Allowed] = {"*": _EXACT, **base}
    after: dict[str, _Allowed] = {"*": _EXACT, **head}
    for new in sorted(after):
        for old in sorted(before):
            if _within(after[new], before[old]) or not overlap(old, new):
                continue
            if not (_shadowed(new, old, head) or _shadowed(old, new, base)):
                pointer = f"{at}/{new.replace('~', '~0').replace('/', '~1')}" if new in head else at
                yield pointer, f"{new} would allow {_said(after[new])}, where {old} allowed {_said(before[old])}"
                break


def _shadowed(pattern: str, names: str, table: _Table) -> bool:
    """Whether something more specific than ``pattern`` in ``table`` decides for everything that ``names`` matches.

    To a ``pattern`` that stands for what no pattern matches, whatever the table has is more specific.
    """
    return any((pattern not in table or more_specific(other, pattern)) and covers(other, names) for other in table)


def _within(new: _Allowed, old: _Allowed) -> bool:
    if new == old:
        return True
    if isinstance(new, Pair) and isinstance(old, Pair):
        return new.absolute <= old.absolute and new.relative <= old.relative and _no_more_welcome(new, old)
    return new == _EXACT


def _no_more_welcome(new: Pair, old: Pair) -> bool:
    """Whether neither a direction is newly welcome, nor a band may be wider than before."""
    after, before = (pair if isinstance(pair, MetricPair) else MetricPair() for pair in (new, old))
    narrower = before.margin is None or (after.margin is not None and after.margin <= before.margin)
    return after.better in {"either", before.better} and narrower


def _said(allowed: _Allowed) -> str:
    if not isinstance(allowed, Pair):
        return allowed
    words = f"absolute {allowed.absolute:g}, relative {allowed.relative:g}"
    if isinstance(allowed, MetricPair) and allowed.better != "either":
        words += f", better {allowed.better}"
    if isinstance(allowed, MetricPair) and allowed.margin is not None:
        words += f", margin {allowed.margin:g}"
    return words
