"""Turns a tolerance on outputs into one on accuracy: only examples close to a decision can change sides.

When no output moves by more than ε, a binary decision at a threshold flips only where the score is within ε of it, and an
argmax only where the two largest scores are at most 2ε apart. The share of such examples bounds the change of accuracy,
exactly and for every model; it is attained where all of them flip the same way.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from auditor.compare.errors import Unrecomputable
from auditor.compare.samples import Sample
from auditor.compare.tables import CONVENTION, Table, number
from auditor.model.comparison import Tolerance

THRESHOLD: Final = 0.5
"""Where a binary decision is made, unless a metric's parameters say otherwise."""

_ULPS: Final = 4
# A program whose every score lies at the edge decides nothing: its figures must not become whatever anybody claims.
_MOST: Final = 0.01


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


def flip_bound(scores: Iterable[float], epsilon: float, *, threshold: float = THRESHOLD) -> FlipBound:
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


def flip_bound_of(sample: Sample, tolerance: Tolerance, *, threshold: float | None = None) -> FlipBound | None:
    """The bound for the accuracy of a table's predictions when each score may move within ``tolerance``.

    It never says more than 1 % of the rows, or one. None where the table has no scores, where they decide nothing that is
    known (more than two classes in one column), or where one is no finite number.

    Args:
        sample: the table, with one column of scores or one per class.
        tolerance: how far a score may move; each of them by as much as the largest one may.
        threshold: from which score on the positive class is predicted; :data:`THRESHOLD` by default.
    """
    rows = _rows(sample)
    if rows is None:
        return None
    bound = _of_rows(rows, tolerance.allows(max(abs(value) for row in rows for value in row)), threshold)
    return replace(bound, flippable=min(bound.flippable, _most(bound.n)))


def flips_between(expected: Sample, actual: Sample) -> FlipBound | None:
    """How many decisions can turn when scores move as they did from one table to the other, row by row; None as above."""
    left, right = _rows(expected), _rows(actual)
    if left is None or right is None or [len(row) for row in left] != [len(row) for row in right]:
        return None
    moved = max(abs(a - b) for one, other in zip(left, right, strict=True) for a, b in zip(one, other, strict=True))
    return _of_rows(left, moved, None)


def _of_rows(rows: Sequence[Sequence[float]], epsilon: float, threshold: float | None) -> FlipBound:
    if len(rows[0]) > 1:
        return flip_bound_of_classes(rows, epsilon)
    return flip_bound([row[0] for row in rows], epsilon, threshold=THRESHOLD if threshold is None else threshold)


def _rows(sample: Sample) -> list[tuple[float, ...]] | None:
    """The scores of each row, one or one per class; None where nothing is known to be decided by them."""
    if sample.classes is not None and sample.probabilities is None:
        columns = list(sample.classes.values())
    elif sample.probabilities is not None and len(set(sample.labels)) <= 2:
        columns = [sample.probabilities]
    else:
        return None
    try:
        return list(zip(*(map(_score, column) for column in columns), strict=True)) or None
    except (Unrecomputable, ValueError):
        return None


def excusable(flips: int, rows: int) -> bool:
    """Whether so few decisions changed sides, of so many, that the noise of their scores may be the reason: 1 %, or one."""
    return flips <= _most(rows)


def _most(rows: int) -> int:
    return max(1, math.floor(_MOST * rows))


@dataclass(frozen=True, slots=True)
class Scores:
    """The places of the columns of a table whose numbers decide its predictions; ``classes`` names what each is for."""

    places: tuple[int, ...]
    classes: tuple[str, ...] = ()

    @classmethod
    def of(cls, table: Table) -> Scores | None:
        """Those of each class, else the only one; None where there are none."""
        if classes := table.classes():
            return cls(tuple(table.header.index(column) for column in classes.values()), tuple(classes))
        name = next((name for name in CONVENTION["probability"] if name in table.header), None)
        return None if name is None else cls((table.header.index(name),))

    def excuse(
        self, expected: Sequence[str], actual: Sequence[str], predictions: tuple[str, str], tolerance: Tolerance
    ) -> bool:
        """Whether a row's decision may have changed sides because its scores, which are within tolerance, moved.

        It may not where no score moved, unless the decision was a tie, nor to a class that was not among the closest.
        """
        try:
            rows = [[_score(row[place]) for place in self.places] for row in (expected, actual)]
        except (Unrecomputable, ValueError):
            return False
        pairs = list(zip(*rows, strict=True))
        moved = max(abs(one - other) for one, other in pairs)
        within = all(abs(one - other) <= tolerance.allows(max(abs(one), abs(other))) for one, other in pairs)
        return within and all(self._close(row, text, moved) for row, text in zip(rows, predictions, strict=True))

    def _close(self, row: list[float], predicted: str, epsilon: float) -> bool:
        """Whether a movement by ``epsilon`` can take this decision from another one, or to it."""
        if len(row) == 1:
            return bool(flip_bound(row, epsilon).flippable)
        own = [score for name, score in zip(self.classes, row, strict=True) if _same_class(name, predicted)]
        if len(own) != 1 or not flip_bound_of_classes([row], epsilon).flippable:
            return False
        return own[0] == max(row) or bool(flip_bound_of_classes([[own[0], max(row)]], epsilon).flippable)


def _same_class(name: str, predicted: str) -> bool:
    value = number(name)
    return name.strip() == predicted.strip() or (value is not None and value == number(predicted))


def _score(text: str) -> float:
    value = number(text)
    if value is None:
        raise Unrecomputable(f"the score {text[:40]} is no number")
    return _finite(float(value))


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
