"""Finds which of several factors change an outcome, in few experiments.

Bisection assumes that a set shows an effect when one of its members does. Where no single member does, factors act together,
and delta debugging (Zeller and Hildebrandt 2002, IEEE Transactions on Software Engineering 28, 183: ``ddmin``) finds a set
from which no factor can be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Factor = TypeVar("Factor")
Test = Callable[[tuple[Factor, ...]], bool]
"""Whether varying these factors, and only these, changes the outcome."""


def culprits(factors: Sequence[Factor], breaks: Test[Factor]) -> tuple[Factor, ...]:
    """The factors that change the outcome alone, found by halving; ``factors`` together are known to.

    A half that changes nothing holds no culprit. If one half is innocent the other must be guilty, which saves its test.
    """
    return _within(tuple(factors), breaks, known=True)


def _within(factors: tuple[Factor, ...], breaks: Test[Factor], *, known: bool) -> tuple[Factor, ...]:
    if not factors or (not known and not breaks(factors)):
        return ()
    if len(factors) == 1:
        return factors
    middle = len(factors) // 2
    left = _within(factors[:middle], breaks, known=False)
    return left + _within(factors[middle:], breaks, known=not left)


def ddmin(factors: Sequence[Factor], breaks: Test[Factor]) -> tuple[Factor, ...]:
    """A part of ``factors`` that changes the outcome and from which none can be left out; together they are known to."""
    rest, parts = tuple(factors), 2
    while len(rest) > 1:
        size = -(-len(rest) // parts)
        chunks = [rest[start : start + size] for start in range(0, len(rest), size)]
        without = [tuple(f for chunk in chunks[:i] + chunks[i + 1 :] for f in chunk) for i in range(len(chunks))]
        if found := next((chunk for chunk in chunks if breaks(chunk)), None):
            rest, parts = found, 2
        elif len(chunks) > 2 and (found := next((others for others in without if breaks(others)), None)):
            rest, parts = found, max(parts - 1, 2)
        elif parts >= len(rest):
            break
        else:
            parts = min(2 * parts, len(rest))
    return rest
