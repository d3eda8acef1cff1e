"""Judges two equally long streams of elements; no answer depends on where a block ends or on how many processes read.

The judgement is a formula in float64 over every element. Almost all elements are spared it: a few operations on a whole
tile in its own precision bound every element's excess from above, and only elements that could be the worst, or tiles in
which one could be beyond tolerance, go through the formula. A bound may only spare; it never rejects.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from auditor.compare.kernels import ROW, SLACK, product, ulp_buckets, widen_half
from auditor.compare.verdict import Place, Verdict

Array = NDArray[Any]
Floats = NDArray[np.floating[Any]]

_BEYOND_UINT64: Final = 2.0**64
# Tolerances within which a bound in the element's own precision neither underflows nor overflows.
_BOUNDED: Final = {np.dtype(np.float32): (1e-30, 1e30), np.dtype(np.float64): (1e-290, 1e290)}


class Elementwise(Verdict):
    """The running verdict over pairs of blocks of one dtype.

    Every element is judged by ``|a - b| <= absolute + relative * max(|a|, |b|)``, in float64 or wider; 64-bit integers are
    subtracted exactly. A NaN or infinity on either side is never agreement, not even with itself. Text and other opaque
    elements agree when their bytes do.

    The sums and the histogram are the same for every reading if the blocks are :func:`auditor.compare.kernels.tiles`;
    everything else is so for any blocks.
    """

    def update(self, expected: Array, actual: Array) -> None:
        """Judge the next pair of blocks, which have one length and dtype."""
        with np.errstate(all="ignore"):
            if self._spared(expected, actual):
                self._position += len(expected)
                return
            for at in range(0, len(expected), ROW):
                self._judge(expected[at : at + ROW], actual[at : at + ROW])
                self._position += len(expected[at : at + ROW])

    def _spared(self, expected: Array, actual: Array) -> bool:
        """Whether the blocks are floats of which all were shown to be within tolerance, and their figures added."""
        if expected.dtype == np.float16:
            wide = np.dtype(np.float32)
            left, right = (self._scratch.of(side, wide, len(expected)) for side in ("left", "right"))
            if not (widen_half(expected, left, self._scratch) and widen_half(actual, right, self._scratch)):
                return False
            return self._bounded(left, right, expected, actual)
        return expected.dtype in _BOUNDED and self._bounded(expected, actual, expected, actual)

    def _bounded(self, left: Array, right: Array, expected: Array, actual: Array) -> bool:
        """Steps: 1 equal bits, 2 the largest difference, 3 every excess and the worst, 4 the other figures."""
        scratch, count, dtype = self._scratch, len(left), left.dtype
        # 1 - tried first only after a tile that was equal, too: otherwise the difference tells it with less work
        if self._expect_equal and not self._count_changed(left, right):
            return self._count_equal(left)
        # 2
        difference = np.subtract(left, right, out=scratch.of("difference", dtype, count))
        largest = max(float(difference.max()), -float(difference.min()))
        if not largest < math.inf:
            return False
        magnitude = np.abs(left, out=scratch.of("magnitude", dtype, count))
        lowest = float(magnitude.min())
        if not largest or not lowest:
            differing = self._count_changed(left, right)
            self._expect_equal = not differing
            if not differing or not largest:
                return not differing and self._count_equal(left)
        else:  # without zeros, other bits are other values
            differing = int(np.count_nonzero(difference.view(f"i{dtype.itemsize}")))
        # 3
        if not self._excess_bounded((left, right, difference, magnitude), largest, lowest):
            return False
        # 4
        self.differing += differing
        if self.first is None:
            changed = left.view(f"u{dtype.itemsize}") != right.view(f"u{dtype.itemsize}")
            self.first = self._position + int(changed.argmax())
        if largest * (1 + SLACK) >= self.largest:
            places = self._near(difference, max(largest, self.largest))
            self.largest = max(self.largest, float(self._formula(left[places], right[places])[1].max(initial=0)))
        if lowest < self.smallest and self._wants_smallest():
            self._find_smallest(magnitude, right)
        for at in range(0, self._sample(count), ROW):
            row = slice(at, at + ROW)
            self._measure(left[row], right[row])
            self._count_distances(expected[row], actual[row])
        return True

    def _excess_bounded(self, tile: tuple[Array, Array, Array, Array], largest: float, lowest: float) -> bool:
        """Whether no element is beyond tolerance; if so, the worst is remembered.

        An excess of e needs a difference of e (absolute + relative |a|), and so one of e (absolute + relative min |a|).
        """
        left, right, difference, magnitude = tile
        low, high = _BOUNDED[left.dtype]
        absolute, relative = self.tolerance.absolute, self.tolerance.relative
        least = absolute + relative * lowest
        if not low <= least or not all(part <= high for part in (absolute, relative)):
            return False
        most = 0.0 if self._worst is None else self._worst.excess
        if largest * (1 + SLACK) < least * min(most, 1.0):
            return True
        dtype, count = left.dtype, len(left)
        size = np.abs(difference, out=self._scratch.of("size", dtype, count))
        bound = self._scratch.of("bound", dtype, count)
        if low <= (known := min(most, 0.5) * relative) and low <= min(most, 0.5) * absolute:
            # Whether any difference reaches so many tolerances as the worst so far, without dividing
            spared = np.subtract(size, np.multiply(magnitude, dtype.type(known * (1 - SLACK)), out=bound), out=bound)
            if float(spared.max()) < min(most, 0.5) * absolute * (1 - SLACK):
                return True
        np.multiply(magnitude, dtype.type(relative), out=bound)
        np.add(bound, dtype.type(absolute), out=bound)
        np.divide(size, bound, out=bound)
        at = int(bound.argmax())
        if not float(bound[at]) < 1 - SLACK:
            return False
        likely = float(self._formula(left[at : at + 1], right[at : at + 1])[2][0])
        places = np.flatnonzero(bound >= left.dtype.type(max(most, likely) * (1 - SLACK)))
        self._rank(places, *self._formula(left[places], right[places])[1:], left[places], right[places])
        return True

    def _count_changed(self, left: Array, right: Array) -> int:
        """How many elements have other bits."""
        unsigned = f"u{left.dtype.itemsize}"
        changed = self._scratch.of("changed", np.dtype(bool), len(left))
        return int(np.count_nonzero(np.not_equal(left.view(unsigned), right.view(unsigned), out=changed)))

    def _count_equal(self, left: Array) -> bool:
        """Whether equal blocks are finite; if so, their figures are added."""
        if not math.isfinite(product(left, left)):
            return False
        self._expect_equal = True
        for at in range(0, self._sample(len(left)), ROW):
            self._measure(left[at : at + ROW], left[at : at + ROW])
            self.ulps[0] += len(left[at : at + ROW])
        if self._wants_smallest():
            magnitude = np.abs(left, out=self._scratch.of("magnitude", left.dtype, len(left)))
            self.smallest = min(self.smallest, float(magnitude.min()))
        return True

    def _find_smallest(self, magnitude: Array, right: Array) -> None:
        lowest = int(magnitude.argmin())
        known = min(self.smallest, max(float(magnitude[lowest]), abs(float(right[lowest]))))
        places = np.flatnonzero(magnitude < known)
        others = np.maximum(magnitude[places], np.abs(right[places])).astype(np.float64)
        self.smallest = min(known, float(others.min(initial=math.inf)))

    def _near(self, values: Array, size: float) -> Array:
        size_of = np.abs(values, out=self._scratch.of("size", values.dtype, len(values)))
        return np.flatnonzero(size_of >= values.dtype.type(size * (1 - SLACK)))

    def _wants_smallest(self) -> bool:
        """Whether a smaller element can still change what was allowed."""
        if not self.tolerance.relative:
            self.smallest = 0.0
        return self.smallest > 0

    def _formula(self, left: Array, right: Array) -> tuple[Floats, Floats, Floats]:
        """What is allowed, the difference and the excess of finite pairs, in float64 or wider."""
        wide = np.result_type(left.dtype, np.float64)
        left, right = left.astype(wide), right.astype(wide)
        difference = np.abs(left - right)
        allowed = self._allowed(np.maximum(np.abs(left), np.abs(right)))
        return allowed, difference, _excess(difference, allowed)

    def _judge(self, expected: Array, actual: Array) -> None:
        """Every element by the formula."""
        changed = _changed(expected, actual)
        if changed.any():
            self.differing += int(changed.sum())
            if self.first is None:
                self.first = self._position + int(changed.argmax())
        kind = expected.dtype.kind
        if kind in "fc":
            self._floats(expected, actual, changed)
        elif kind in "iub":
            self._integers(expected, actual, changed)
        else:
            self.beyond += int(changed.sum())
            places = np.flatnonzero(changed)
            self._rank(places, np.ones(len(places)), np.full(len(places), math.inf), expected[places], actual[places])

    def _floats(self, expected: Array, actual: Array, changed: Array) -> None:
        finite = np.isfinite(expected) & np.isfinite(actual)
        if not finite.all():
            self.not_finite += int((~finite).sum())
            self.nans = [self.nans[0] + int(np.isnan(expected).sum()), self.nans[1] + int(np.isnan(actual).sum())]
            if self.first_not_finite is None:
                self.first_not_finite = self._position + int(finite.argmin())
            self._floats_ranked(np.where(finite, expected, 0), np.where(finite, actual, 0), changed, (expected, actual))
            self._see(np.maximum(np.abs(expected[finite]), np.abs(actual[finite])))
            self._count_distances(expected[finite], actual[finite])
            return
        self._floats_ranked(expected, actual, changed, (expected, actual))
        self._see(np.maximum(np.abs(expected), np.abs(actual)))
        self._count_distances(expected, actual)

    def _floats_ranked(self, left: Array, right: Array, changed: Array, originals: tuple[Array, Array]) -> None:
        allowed, difference, excess = self._formula(left, right)
        self.beyond += int((difference > allowed).sum())
        self.largest = max(self.largest, float(difference.max()))
        places = np.flatnonzero(changed)
        self._rank(places, difference[places], excess[places], originals[0][places], originals[1][places])
        if self._sample(len(left)):
            self._measure(left, right)

    def _integers(self, expected: Array, actual: Array, changed: Array) -> None:
        if expected.dtype.kind == "b":
            expected, actual = expected.view(np.uint8), actual.view(np.uint8)
        left, right = expected.astype(np.float64), actual.astype(np.float64)
        magnitude = np.maximum(np.abs(left), np.abs(right))
        self._see(magnitude)
        if self._sample(len(left)):
            self._measure(left, right)
        if not changed.any():
            return
        # Modulo 2^64 the difference of the larger and the smaller is exact whatever the sign.
        larger, smaller = np.maximum(expected, actual), np.minimum(expected, actual)
        difference = larger.astype(np.uint64) - smaller.astype(np.uint64)
        allowed = self._allowed(magnitude)
        unlimited = allowed >= _BEYOND_UINT64
        limit = np.where(unlimited, 0, np.floor(allowed)).astype(np.uint64)
        approximate = difference.astype(np.float64)
        self.beyond += int((~unlimited & (difference > limit)).sum())
        self.largest = max(self.largest, float(approximate.max()))
        places = np.flatnonzero(changed)
        excess = _excess(approximate[places], allowed[places])
        self._rank(places, approximate[places], excess, expected[places], actual[places])

    def _measure(self, left: Array, right: Array) -> None:
        """Add a row of finite numbers to the figures, in float64 or wider."""
        wide = np.result_type(left.dtype, np.float64)
        left, right = left.astype(wide, copy=False), right.astype(wide, copy=False)
        difference = left - right
        size = np.abs(difference)
        relative = size / np.maximum(np.abs(left), np.abs(right))
        self.relative = max(self.relative, float(np.fmax.reduce(relative, initial=0.0)))  # 0 / 0 is no difference
        self.squares.add(float(np.vdot(left, left).real))
        self.cross.add(float(np.vdot(left, difference).real))
        self.apart.add(float(np.vdot(difference, difference).real))
        self.measured += len(left)

    def _allowed(self, magnitude: Floats) -> Floats:
        allowed: Floats = self.tolerance.absolute + self.tolerance.relative * magnitude
        return allowed

    def _see(self, magnitude: Array) -> None:
        if len(magnitude) and self._wants_smallest():
            self.smallest = min(self.smallest, float(magnitude.min()))

    def _rank(self, places: Array, difference: Floats, excess: Floats, expected: Array, actual: Array) -> None:
        """Remember the worst of these elements, by excess and then by difference."""
        if not len(places):
            return
        most = excess.max()
        at = int(np.where(excess == most, difference, -1.0).argmax())
        place = -(self._position + int(places[at]))
        self._remember(Place(float(most), float(difference[at]), place, expected[at].item(), actual[at].item()))

    def _count_distances(self, expected: Array, actual: Array) -> None:
        is_float = expected.dtype.kind == "f" and expected.dtype.itemsize <= 8
        if self._ulp_shift is not None and is_float and self._sample(len(expected)):
            self.ulps += ulp_buckets(expected, actual, self._ulp_shift)


def _changed(expected: Array, actual: Array) -> NDArray[np.bool_]:
    size = expected.dtype.itemsize
    left, right = expected.view(np.uint8).reshape(-1, size), actual.view(np.uint8).reshape(-1, size)
    changed: NDArray[np.bool_] = (left != right).any(axis=1)
    return changed


def _excess(difference: Floats, allowed: Floats) -> Floats:
    """Tolerances by which elements differ: 0 for equal ones even where nothing is allowed, else infinite there."""
    excess: Floats = np.where(difference == 0, 0.0, difference / allowed)
    return np.where(np.isnan(excess), 1.0, excess)
