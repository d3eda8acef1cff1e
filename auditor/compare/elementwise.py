"""Judges two equally long streams of elements, block by block; no answer depends on where a block ends."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from auditor.model.comparison import Tolerance

Array = NDArray[Any]
Floats = NDArray[np.floating[Any]]

_BEYOND_UINT64: Final = 2.0**64


class Elementwise:
    """The running verdict over pairs of blocks of one dtype.

    Every element is judged by ``|a - b| <= absolute + relative * max(|a|, |b|)``, in float64 or wider; 64-bit integers are
    subtracted exactly. A NaN or infinity on either side is never agreement, not even with itself. Text and other opaque
    elements agree when their bytes do. All places are flat indices in stored order.
    """

    def __init__(self, tolerance: Tolerance) -> None:
        self.tolerance = tolerance
        self.compared = 0
        self.differing = 0
        """How many elements have other bits."""
        self.beyond = 0
        """How many elements differ by more than is allowed."""
        self.first: int | None = None
        """The first place with other bits."""
        self.worst: int | None = None
        """The place with the largest excess; among several, the largest difference, then the first."""
        self.worst_values: tuple[Any, Any] | None = None
        self.largest = 0.0
        """The largest absolute difference between finite elements."""
        self.smallest_allowed = math.inf
        """The smallest difference that any single element was allowed: the smallest drift that could have been seen."""
        self.not_finite = 0
        """How many places hold a NaN or an infinity on either side."""
        self.first_not_finite: int | None = None
        self._excess = 0.0
        self._worst_difference = 0.0

    @property
    def agrees(self) -> bool:
        """Whether something was compared and every element of it is within tolerance."""
        return self.compared > 0 and not self.beyond and not self.not_finite

    @property
    def excess(self) -> float | None:
        """The largest number of tolerances by which an element differs; None where no number says it.

        That is a difference where none is allowed, a NaN or an infinity, or an opaque element.
        """
        if self.not_finite or not math.isfinite(self._excess):
            return None
        # The judgement is by subtraction, this figure by division: it must not round to the other side of 1.
        return max(self._excess, math.nextafter(1, 2)) if self.beyond else min(self._excess, 1.0)

    def update(self, expected: Array, actual: Array) -> None:
        """Judge the next pair of blocks, which have one length and dtype."""
        kind = expected.dtype.kind
        changed = None if _same_bits(expected, actual) else _changed(expected, actual)
        if changed is not None:
            self.differing += int(changed.sum())
            if self.first is None:
                self.first = self.compared + int(changed.argmax())
        with np.errstate(all="ignore"):
            if kind in "fc":
                self._floats(expected, actual, changed)
            elif kind in "iub":
                self._integers(expected, actual, changed)
            elif changed is not None:
                self.beyond += int(changed.sum())
                self._rank(changed, changed.astype(np.float64), np.where(changed, math.inf, 0.0), expected, actual)
        self.compared += len(expected)

    def _floats(self, expected: Array, actual: Array, changed: Array | None) -> None:
        left = expected.astype(np.result_type(expected.dtype, np.float64), copy=False)
        magnitude = np.abs(left)
        if changed is None and np.isfinite(magnitude.max()):
            self._allow(magnitude.min())
            return
        right = actual.astype(left.dtype, copy=False)
        finite = np.isfinite(left) & np.isfinite(right)
        if not finite.all():
            self.not_finite += int((~finite).sum())
            if self.first_not_finite is None:
                self.first_not_finite = self.compared + int(finite.argmin())
            left, right = np.where(finite, left, 0), np.where(finite, right, 0)
        difference = np.abs(left - right)
        magnitude = np.maximum(np.abs(left), np.abs(right))
        allowed = self._allowed(magnitude)
        if finite.any():
            self._allow(magnitude[finite].min())
        self.beyond += int((difference > allowed).sum())
        if changed is not None:
            self._rank(changed, difference, _excess(difference, allowed), expected, actual)

    def _integers(self, expected: Array, actual: Array, changed: Array | None) -> None:
        if expected.dtype.kind == "b":
            expected, actual = expected.view(np.uint8), actual.view(np.uint8)
        magnitude = np.maximum(np.abs(expected.astype(np.float64)), np.abs(actual.astype(np.float64)))
        self._allow(magnitude.min())
        if changed is None:
            return
        # Modulo 2^64 the difference of the larger and the smaller is exact whatever the sign.
        larger, smaller = np.maximum(expected, actual), np.minimum(expected, actual)
        difference = larger.astype(np.uint64) - smaller.astype(np.uint64)
        allowed = self._allowed(magnitude)
        unlimited = allowed >= _BEYOND_UINT64
        limit = np.where(unlimited, 0, np.floor(allowed)).astype(np.uint64)
        approximate = difference.astype(np.float64)
        self.beyond += int((~unlimited & (difference > limit)).sum())
        self._rank(changed, approximate, _excess(approximate, allowed), expected, actual)

    def _allowed(self, magnitude: Floats) -> Floats:
        allowed: Floats = self.tolerance.absolute + self.tolerance.relative * magnitude
        return allowed

    def _allow(self, smallest: Any) -> None:
        self.smallest_allowed = min(self.smallest_allowed, self.tolerance.allows(float(smallest)))

    def _rank(self, changed: Array, difference: Floats, excess: Floats, expected: Array, actual: Array) -> None:
        """Remember the worst of the changed elements, by excess and then by difference."""
        most = float(excess[changed].max())
        place = int(np.where(changed & (excess == most), difference, -1.0).argmax())
        if self.worst is None or (most, float(difference[place])) > (self._excess, self._worst_difference):
            self.worst = self.compared + place
            self.worst_values = (expected[place].item(), actual[place].item())
            self._excess, self._worst_difference = most, float(difference[place])
        self.largest = max(self.largest, float(difference.max()))


def relative_l2(pairs: Any) -> float | None:
    """``||a - b|| / ||a||`` over an iterable of pairs of numeric blocks; None where it is no number.

    The sums are exact over blocks, so the same cut into blocks gives the same digits on any number of threads.
    """
    differences, sizes = [], []
    with np.errstate(all="ignore"):
        for expected, actual in pairs:
            work = np.result_type(expected.dtype, np.float64)
            left, right = expected.astype(work), actual.astype(work)
            differences.append(float(np.sum(np.square(np.abs(left - right)))))
            sizes.append(float(np.sum(np.square(np.abs(left)))))
    total, reference = _exact_sum(differences), _exact_sum(sizes)
    return math.sqrt(total / reference) if total is not None and reference else None


def _exact_sum(parts: list[float]) -> float | None:
    if not all(map(math.isfinite, parts)):
        return None
    try:
        return math.fsum(parts)
    except OverflowError:
        return None


def _same_bits(expected: Array, actual: Array) -> bool:
    return bool(np.array_equal(expected.view(np.uint8), actual.view(np.uint8)))


def _changed(expected: Array, actual: Array) -> NDArray[np.bool_]:
    size = expected.dtype.itemsize
    left, right = expected.view(np.uint8).reshape(-1, size), actual.view(np.uint8).reshape(-1, size)
    changed: NDArray[np.bool_] = (left != right).any(axis=1)
    return changed


def _excess(difference: Floats, allowed: Floats) -> Floats:
    """Tolerances by which elements differ: 0 for equal ones even where nothing is allowed, else infinite there."""
    excess: Floats = np.where(difference == 0, 0.0, difference / allowed)
    return np.where(np.isnan(excess), 1.0, excess)
