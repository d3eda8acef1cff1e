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

from auditor.compare.kernels import NOT_HALF, ROW, SLACK, Room, product, ulp_buckets, widen_half
from auditor.compare.verdict import Place, Verdict

Array = NDArray[Any]
Floats = NDArray[np.floating[Any]]

_PEEK: Final = 16
_FEW: Final = 256
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
            self.judge(expected, actual)

    def judge(self, expected: Array, actual: Array) -> None:
        """The same where the caller has silenced numpy's floating-point warnings."""
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
            widen_half(expected, left)
            widen_half(actual, right)
            return self._bounded(left, right, expected, actual, NOT_HALF)
        return expected.dtype in _BOUNDED and self._bounded(expected, actual, expected, actual)

    def _bounded(self, left: Array, right: Array, expected: Array, actual: Array, infinite: float = math.inf) -> bool:
        """Steps: 1 equal bits, 2 the largest difference, 3 every excess and the worst, 4 the other figures.

        What is not finite has at least the magnitude ``infinite``.
        """
        room = self._scratch.room(left.dtype, len(left))
        # 1 - where the first elements are equal, all may be
        if left[:_PEEK].tobytes() == right[:_PEEK].tobytes() and room.same(left, right):
            return self._count_equal(left, room, infinite)
        # 2
        size = np.subtract(left, right, out=room.size)
        np.abs(size, out=size)
        largest = float(np.maximum.reduce(size))
        if not largest < infinite:
            return False
        magnitude = np.abs(left, out=room.magnitude)
        if infinite < math.inf and not float(np.maximum.reduce(magnitude)) + largest < infinite:
            return False
        lowest = float(np.minimum.reduce(magnitude))
        if largest and lowest:  # without zeros, other bits are other values
            differing = int(np.count_nonzero(room.size_bits))
        elif not (differing := room.count_changed(left, right)):
            return self._count_equal(left, room, infinite)
        # 3
        if not self._excess_bounded(left, right, room, largest, lowest):
            return False
        # 4
        self.differing += differing
        if self.first is None:
            self.first = self._position + room.first_changed(left, right)
        self.largest = max(self.largest, largest)
        if lowest < self.smallest and self._wants_smallest():
            self._find_smallest(magnitude, right)
        self._add_sample(left, right, expected, actual)
        return True

    def _excess_bounded(self, left: Array, right: Array, room: Room, largest: float, lowest: float) -> bool:
        """Whether no element is beyond tolerance; if so, the worst is remembered.

        An excess of e needs a difference of e (absolute + relative |a|), and so one of e (absolute + relative min |a|).
        """
        low, high = _BOUNDED[left.dtype]
        absolute, relative = self.tolerance.absolute, self.tolerance.relative
        least = absolute + relative * lowest
        if not low <= least or not (absolute <= high and relative <= high):
            return False
        most = 0.0 if self._worst is None else self._worst.excess
        if largest * (1 + SLACK) < least * min(most, 1.0):
            return True
        bound, cap = room.bound, min(most, 1.0)
        if low <= cap * relative and low <= cap * absolute:
            # Whether any difference reaches so many tolerances as the worst so far, without dividing
            np.multiply(room.magnitude, cap * relative * (1 - SLACK), out=bound)
            np.subtract(room.size, bound, out=bound)
            reach = cap * absolute * (1 - SLACK)
            if float(np.maximum.reduce(bound)) < reach:
                return True
            places = room.at_least(bound, reach)
            if len(places) <= _FEW:
                return self._few_bounded(left, right, places)
        np.multiply(room.magnitude, relative, out=bound)
        np.add(bound, absolute, out=bound)
        np.divide(room.size, bound, out=bound)
        at = int(bound.argmax())
        if not float(bound[at]) < 1 - SLACK:
            return False
        likely = float(self._formula(left[at : at + 1], right[at : at + 1])[2][0])
        places = room.at_least(bound, max(most, likely) * (1 - SLACK))
        if not largest:  # signs of zeros differ and nothing else: the worst is one of them, not what is equal
            places = room.changed(left, right)
        self._rank(places, *self._formula(left[places], right[places])[1:], left[places], right[places])
        return True

    def _few_bounded(self, left: Array, right: Array, places: Array) -> bool:
        """Whether these elements, of which alone one may be beyond tolerance or the worst, are within; if so, rank them."""
        left, right = left[places], right[places]
        worst = self._worst
        # Where a format has few values the worst pair occurs again and again, and the first one counts.
        if worst is not None and worst.excess < 1 and _occurs_again(worst, left, right):
            return True
        allowed, difference, excess = self._formula(left, right)
        if (difference > allowed).any():
            return False
        self._rank(places, difference, excess, left, right)
        return True

    def _count_equal(self, left: Array, room: Room, infinite: float) -> bool:
        """Whether equal blocks are finite; if so, their figures are added."""
        if not self.tolerance.relative and infinite == math.inf:
            if not math.isfinite(product(left, left)):
                return False
            self.smallest = 0.0
        else:
            magnitude = np.abs(left, out=room.magnitude)
            if not float(np.maximum.reduce(magnitude)) < infinite:
                return False
            if self._wants_smallest():
                self.smallest = min(self.smallest, float(np.minimum.reduce(magnitude)))
        self._add_sample(left, left, left, left)
        return True

    def _add_sample(self, left: Array, right: Array, expected: Array, actual: Array) -> None:
        """Measure what of these blocks is measured; ``expected`` and ``actual`` are the same in the stored format."""
        for at in range(0, self._sample(len(left)), ROW):
            row = slice(at, min(at + ROW, self._sample(len(left))))
            self._measure(left[row], right[row])
            if left is right:
                self.ulps[0] += len(left[row])
            else:
                self._count_distances(expected[row], actual[row])

    def _find_smallest(self, magnitude: Array, right: Array) -> None:
        lowest = int(magnitude.argmin())
        known = min(self.smallest, max(float(magnitude[lowest]), abs(float(right[lowest]))))
        places = np.flatnonzero(magnitude < known)
        others = np.maximum(magnitude[places], np.abs(right[places])).astype(np.float64)
        self.smallest = min(known, float(others.min(initial=math.inf)))

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
        self.largest = max(self.largest, float(_rounded(difference, left.dtype).max()))
        places = np.flatnonzero(changed)
        self._rank(places, difference[places], excess[places], originals[0][places], originals[1][places])
        if measured := self._sample(len(left)):
            self._measure(left[:measured], right[:measured])

    def _integers(self, expected: Array, actual: Array, changed: Array) -> None:
        if expected.dtype.kind == "b":
            expected, actual = expected.view(np.uint8), actual.view(np.uint8)
        left, right = expected.astype(np.float64), actual.astype(np.float64)
        magnitude = np.maximum(np.abs(left), np.abs(right))
        self._see(magnitude)
        if measured := self._sample(len(left)):
            self._measure(left[:measured], right[:measured])
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
        measured = self._sample(len(expected))
        if self._ulp_shift is not None and is_float and measured:
            self.ulps += ulp_buckets(expected[:measured], actual[:measured], self._ulp_shift)


def _changed(expected: Array, actual: Array) -> NDArray[np.bool_]:
    size = expected.dtype.itemsize
    left, right = expected.view(np.uint8).reshape(-1, size), actual.view(np.uint8).reshape(-1, size)
    changed: NDArray[np.bool_] = (left != right).any(axis=1)
    return changed


def _occurs_again(worst: Place, left: Array, right: Array) -> bool:
    """Whether all of these pairs are the worst one, or its mirror image."""
    same = (left == worst.expected) & (right == worst.actual)
    return bool((same | ((left == -worst.expected) & (right == -worst.actual))).all())


def _rounded(difference: Floats, dtype: np.dtype[Any]) -> Floats:
    """Differences as subtraction gives them in float32 (of what is no wider), so that no path gives other digits."""
    if dtype.kind != "f" or dtype.itemsize > 4:
        return difference
    narrow = difference.astype(np.float32)
    return np.where(np.isfinite(narrow), narrow, difference)


def _excess(difference: Floats, allowed: Floats) -> Floats:
    """Tolerances by which elements differ: 0 for equal ones even where nothing is allowed, else infinite there."""
    excess: Floats = np.where(difference == 0, 0.0, difference / allowed)
    return np.where(np.isnan(excess), 1.0, excess)
