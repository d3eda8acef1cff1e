"""Turns a tolerance on outputs into one on accuracy: only examples close to a decision can change sides.

When no output moves by more than ε, a binary decision at a threshold flips only where the score is within ε of it, and an
argmax only where the two largest scores are at most 2ε apart. The share of such examples bounds the change of accuracy,
exactly and for every model; it is attained where all of them flip the same way.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from auditor.compare.errors import Unrecomputable
from auditor.model.comparison import Tolerance

_ULPS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipBound:
    """Of ``n`` examples ``flippable`` may change their decision when outputs move by at most ``epsilon``."""

    flippable: int
    n: int
    epsilon: float

    @property
    def accuracy(self) -> float:
        """The largest change of accuracy, and of churn, that this can cause."""
        return self.flippable / self.n

    @property
    def tolerance(self) -> Tolerance:
        """The bound as a tolerance for the accuracy of these examples."""
        source = f"flip bound: {self.flippable} of {self.n} examples within {self.epsilon:.3g} of a decision"
        return Tolerance(absolute=self.accuracy, source=source)


def flip_bound(scores: Iterable[float], epsilon: float, *, threshold: float = 0.5) -> FlipBound:
    """The bound for a binary decision ``score >= threshold``.

    Scores exactly on the threshold count at any ε, 0 included: implementations differ in which side they fall on.

    Raises:
        Unrecomputable: no scores, one that is not finite, or an ε that is no bound.
    """
    found = [_finite(score) for score in scores]
    margins = [abs(score - threshold) for score in found]
    return _bound(margins, epsilon, reach=epsilon, magnitude=max(map(abs, [*found, threshold])))


def flip_bound_of_classes(rows: Iterable[Sequence[float]], epsilon: float) -> FlipBound:
    """The bound for an argmax over each row's scores. Ties count at any ε.

    Raises:
        Unrecomputable: no rows, one with fewer than two scores or one that is not finite, or an ε that is no bound.
    """
    gaps, magnitude = [], 0.0
    for row in rows:
        if len(row) < 2:
            raise Unrecomputable("an argmax over fewer than two classes decides nothing")
        first, second = sorted(map(_finite, row), reverse=True)[:2]
        gaps.append(first - second)
        magnitude = max(magnitude, abs(first), abs(second))
    return _bound(gaps, epsilon, reach=2 * epsilon, magnitude=magnitude)


def _bound(distances: list[float], epsilon: float, *, reach: float, magnitude: float) -> FlipBound:
    if not (math.isfinite(epsilon) and epsilon >= 0):
        raise Unrecomputable(f"{epsilon} bounds no output: it is a finite number of at least 0")
    if not distances:
        raise Unrecomputable("there are no rows")
    # Scores, movements and differences are rounded: a few units in the last place keep the bound on the safe side.
    limit = reach + _ULPS * sys.float_info.epsilon * (magnitude + epsilon)
    return FlipBound(flippable=sum(distance <= limit for distance in distances), n=len(distances), epsilon=epsilon)


def _finite(score: float) -> float:
    if not math.isfinite(score):
        raise Unrecomputable(f"the score {score} is not finite")
    return score
