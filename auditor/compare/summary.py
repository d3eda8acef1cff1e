"""Adds comparisons up: which of them count, what they come to, and in which order people want to see them."""

from __future__ import annotations

from collections.abc import Iterable

from auditor.model.comparison import Comparison, overall
from auditor.model.words import Agreement


def counts(comparison: Comparison) -> bool:
    """Whether a comparison takes part in adding up.

    Three kinds are listed and never counted: a differing file that claims nothing (a log, a plot), a curve that nobody made
    a claim, and a metric that the policy ignores. They are ``not-exercised`` and are all that is so under ``file:``,
    ``trace:`` and ``metric:``; a claim that could not be exercised stands under ``tensor:`` or ``predictions:``, or is
    ``inconclusive``.
    """
    kind = comparison.of.partition(":")[0]
    return not (comparison.agreement is Agreement.NOT_EXERCISED and kind in {"file", "metric", "trace"})


def agreement(comparisons: Iterable[Comparison]) -> Agreement:
    """What all that counts comes to: its worst part, and ``not-exercised`` when nothing counts."""
    return overall([comparison for comparison in comparisons if counts(comparison)])


def worst_first(comparisons: Iterable[Comparison]) -> tuple[Comparison, ...]:
    """The comparisons by falling badness, then by falling excess (one that is no number first), then by name."""

    def badness(comparison: Comparison) -> tuple[bool, int, float, str]:
        excess = comparison.excess
        if excess is None:
            excess = 0.0 if comparison.agreement < Agreement.INCONCLUSIVE else float("inf")
        return not counts(comparison), -comparison.agreement.rank, -excess, comparison.of

    return tuple(sorted(comparisons, key=badness))
