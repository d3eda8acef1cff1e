"""What is known about two tensors after reading a part of them, in a form that adds up to the same for any parts."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Final, NamedTuple

import numpy as np

from auditor.compare.kernels import ROW, TILE, ExactSum, Scratch
from auditor.model.comparison import Tolerance

# Sums, ratios and distances take forty times as long as the verdict: of a larger tensor within tolerance, some elements of
# every 16th tile are measured.
_SAMPLED: Final = 16 * TILE
SAMPLE: Final = ROW // 4
_ALL: Final = 4 * ROW


class Place(NamedTuple):
    """One pair of elements, ordered by badness: excess, then difference, then the earlier place."""

    excess: float
    difference: float
    negative_place: int
    expected: Any = None
    actual: Any = None

    @property
    def rank(self) -> tuple[float, float, int]:
        """What decides which of two places is worse."""
        return self[:3]


class Verdict:
    """The running figures of one comparison. All places are flat indices in stored order.

    Args:
        tolerance: what is allowed.
        start: the place of the first element.
        total: how many elements the whole tensor has. Of more than 16,384 the first 1,024 of every 16th tile are measured.
        full: measure all of them.
        ulp_shift: how many trailing bits of a float the stored format lacks; None leaves the histogram out.
        scratch: buffers to work in.
    """

    def __init__(  # noqa: PLR0913 - what is judged, and which part of it this one sees
        self,
        tolerance: Tolerance,
        *,
        start: int = 0,
        total: int = 0,
        full: bool = False,
        ulp_shift: int | None = 0,
        scratch: Scratch | None = None,
    ) -> None:
        self.tolerance = tolerance
        self._position = self._start = start
        self._full = full or total <= _ALL
        self._ulp_shift = ulp_shift
        self._scratch = scratch or Scratch()
        self.differing = 0
        """How many elements have other bits."""
        self.beyond = 0
        """How many elements differ by more than is allowed."""
        self.first: int | None = None
        """The first place with other bits."""
        self.largest = 0.0
        """The largest absolute difference between finite elements."""
        self.relative = 0.0
        """The largest ``|a - b| / max(|a|, |b|)`` of measured elements."""
        self.smallest = math.inf
        """The smallest ``max(|a|, |b|)`` of finite elements; 0 where the tolerance does not depend on it."""
        self.not_finite = 0
        """How many places hold a NaN or an infinity on either side."""
        self.first_not_finite: int | None = None
        self.nans = [0, 0]
        """How many NaN are expected, and how many there are."""
        self.ulps = np.zeros(65, np.int64)
        """See :func:`auditor.compare.kernels.ulp_buckets`; of measured elements."""
        self.squares, self.cross, self.apart = ExactSum(), ExactSum(), ExactSum()
        """The sums of ``|a|^2``, ``(a - b) a`` and ``|a - b|^2`` over measured elements."""
        self.measured = 0
        """How many elements the figures above were taken from."""
        self._worst: Place | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_scratch": None}  # on the way to another process

    @property
    def compared(self) -> int:
        """How many elements were judged."""
        return self._position - self._start

    @property
    def worst(self) -> int | None:
        """The place with the largest excess; among several, the largest difference, then the first."""
        return None if self._worst is None else -self._worst.negative_place

    @property
    def worst_values(self) -> tuple[Any, Any] | None:
        """What was expected and found at the worst place."""
        return None if self._worst is None else (self._worst.expected, self._worst.actual)

    @property
    def smallest_allowed(self) -> float:
        """The smallest difference that any single element was allowed: the smallest drift that could have been seen."""
        return self.tolerance.allows(self.smallest) if math.isfinite(self.smallest) else math.inf

    @property
    def agrees(self) -> bool:
        """Whether something was compared and every element of it is within tolerance."""
        return self.compared > 0 and not self.beyond and not self.not_finite

    @property
    def excess(self) -> float | None:
        """The largest number of tolerances by which an element differs; None where no number says it.

        That is a difference where none is allowed, a NaN or an infinity, or an opaque element.
        """
        most = 0.0 if self._worst is None else self._worst.excess
        if self.not_finite or not math.isfinite(most):
            return None
        # The judgement is by subtraction, this figure by division: it must not round to the other side of 1.
        return max(most, math.nextafter(1, 2)) if self.beyond else min(most, 1.0)

    @property
    def relative_l2(self) -> float | None:
        """``||a - b|| / ||a||``; None where it is no number."""
        return root_of_ratio(self.apart, self.squares)

    @property
    def cosine(self) -> float | None:
        """The cosine of the angle between the two; None where one has no direction."""
        aa, da, dd = self.squares.scaled, self.cross.scaled, self.apart.scaled
        if aa is None or da is None or dd is None:
            return None
        bb = aa - 2 * da + dd
        if aa <= 0 or bb <= 0:
            return None
        inner = aa - da
        squared = float(Fraction(inner * inner, aa * bb))
        return math.copysign(min(1.0, math.sqrt(squared)), -1 if inner < 0 else 1)

    def merge(self, later: Verdict) -> None:
        """Take over what another one found about the elements that follow."""
        self._position += later.compared
        self.differing += later.differing
        self.beyond += later.beyond
        self.not_finite += later.not_finite
        self.first = later.first if self.first is None else self.first
        if self.first_not_finite is None:
            self.first_not_finite = later.first_not_finite
        self.largest = max(self.largest, later.largest)
        self.relative = max(self.relative, later.relative)
        self.smallest = min(self.smallest, later.smallest)
        self.nans = [one + other for one, other in zip(self.nans, later.nans, strict=True)]
        self.ulps = self.ulps + later.ulps
        self.measured += later.measured
        self.squares.merge(later.squares)
        self.cross.merge(later.cross)
        self.apart.merge(later.apart)
        if later._worst is not None:
            self._remember(later._worst)

    def _remember(self, place: Place) -> None:
        if self._worst is None or place.rank > self._worst.rank:
            self._worst = place

    def _sample(self, count: int) -> int:
        """How many of the next ``count`` elements are measured."""
        if self._full:
            return count
        return 0 if self._position % _SAMPLED else min(count, SAMPLE)


def root_of_ratio(numerator: ExactSum, denominator: ExactSum) -> float | None:
    """The square root of one sum over another; None where that is no number."""
    over, under = numerator.scaled, denominator.scaled
    if over is None or not under:
        return None
    try:
        return math.sqrt(Fraction(over, under))
    except OverflowError:
        return None
