"""Array work that runs at memory speed: a tile of elements at a time, in buffers that stay in a core's cache.

A tile is a fixed range of a tensor's stored elements, so what is summed over it never depends on how the tensor was read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

TILE: Final = 1 << 15
"""Elements per tile: two tiles of float32 and the results of three operations on them fit into a core's second cache."""

SLACK: Final = 4e-6
"""More than the relative rounding error of any bound that is computed in float32: five roundings of at most 6e-8."""

ROW: Final = 1 << 12
"""Elements per row, eight to a tile: so few that temporary arrays of them come from memory that is used again and again.

Larger ones would be fresh pages of the operating system every time, which take ten times as long as the arithmetic.
"""

_TILE_BYTES: Final = 1 << 20


class Room:
    """Where operations on tiles of one dtype of floats put their results: the fewer arrays, the more stays in the cache."""

    def __init__(self, dtype: np.dtype[Any], count: int, of: Callable[[str, np.dtype[Any], int], Array]) -> None:
        self._unsigned = np.dtype(f"u{dtype.itemsize}")
        self.size, self.magnitude, self.bound = (of(use, dtype, count) for use in ("size", "magnitude", "bound"))
        self.size_bits = self.size.view(self._unsigned)
        """The bits of ``size``; 0 for +0 alone."""
        self._flags = of("flags", np.dtype(bool), count)

    def same(self, left: Array, right: Array) -> bool:
        """Whether two blocks have the same bits."""
        return not np.not_equal(left.view(self._unsigned), right.view(self._unsigned), out=self._flags).any()

    def count_changed(self, left: Array, right: Array) -> int:
        """How many elements have other bits."""
        changed = np.not_equal(left.view(self._unsigned), right.view(self._unsigned), out=self._flags)
        return int(np.count_nonzero(changed))

    def changed(self, left: Array, right: Array) -> Array:
        """The places with other bits."""
        return np.flatnonzero(np.not_equal(left.view(self._unsigned), right.view(self._unsigned), out=self._flags))

    def first_changed(self, left: Array, right: Array) -> int:
        """The first place with other bits, of which there is one."""
        return int(np.not_equal(left.view(self._unsigned), right.view(self._unsigned), out=self._flags).argmax())

    def at_least(self, values: Array, limit: float) -> Array:
        """The places of values that are no smaller, in their own precision."""
        return np.flatnonzero(np.greater_equal(values, values.dtype.type(limit), out=self._flags))


class Scratch:
    """Buffers for the results of operations on one tile, made once and used for every tile of a thread."""

    def __init__(self) -> None:
        self._buffers: dict[tuple[str, np.dtype[Any]], Array] = {}
        self._rooms: dict[np.dtype[Any], tuple[int, Room]] = {}

    def room(self, dtype: np.dtype[Any], count: int) -> Room:
        """The room for blocks of ``count`` elements; what was in it is lost."""
        known = self._rooms.get(dtype)
        if known is None or known[0] != count:
            known = self._rooms[dtype] = count, Room(dtype, count, self.of)
        return known[1]

    def of(self, use: str, dtype: np.dtype[Any], count: int) -> Array:
        """The buffer for this use, as ``count`` elements of ``dtype``; what was in it is lost."""
        key = (use, dtype)
        if key not in self._buffers or len(self._buffers[key]) < count:
            # A fixed alignment: what a sum comes to must not depend on where the buffer happens to lie.
            raw = np.zeros(max(count, TILE) * dtype.itemsize + 64, np.uint8)
            start = -raw.ctypes.data % 64
            self._buffers[key] = raw[start : start + max(count, TILE) * dtype.itemsize].view(dtype)
        return self._buffers[key][:count]


def tiles(blocks: Iterable[Array]) -> Iterator[Array]:
    """The same elements, cut at multiples of a tile that depends on the dtype alone. Each overwrites the one before."""
    buffer: Array | None = None
    filled = 0
    for block in blocks:
        size = max(1, min(TILE, _TILE_BYTES // block.dtype.itemsize))
        start = 0
        while start < len(block):
            if not filled and len(block) - start >= size:
                yield block[start : start + size]
                start += size
                continue
            if buffer is None:
                buffer = np.empty(size, block.dtype)
            taken = min(size - filled, len(block) - start)
            buffer[filled : filled + taken] = block[start : start + taken]
            filled, start = filled + taken, start + taken
            if filled == size:
                yield buffer
                filled = 0
    if buffer is not None and filled:
        yield buffer[:filled]


def product(left: Array, right: Array) -> float:
    """The scalar product of two blocks of floats in their own precision; infinite or NaN where an element is."""
    # Rows are shorter than what a linear-algebra library would spread over threads, which would change the last digits.
    return sum(float(np.dot(left[at : at + ROW], right[at : at + ROW])) for at in range(0, len(left), ROW))


NOT_HALF: Final = 65536.0
"""What :func:`widen_half` makes of an infinity; of a NaN it makes more."""


def widen_half(half: Array, out: Array) -> None:
    """Write float16 as float32 of the same value to ``out``; what is not finite as at least :data:`NOT_HALF`.

    The sign, exponent and mantissa move to where float32 has them; 2^112 makes up for the other bias, also of subnormals.
    numpy's own conversion takes four times as long.
    """
    wide = out.view(np.int32)
    wide[:] = half.view(np.int16)  # keeps the sign in every bit above
    np.left_shift(wide, 13, out=wide)
    np.bitwise_and(wide, np.int32(-0x70000001), out=wide)
    np.multiply(out, np.float32(2.0**112), out=out)


def ulp_buckets(left: Array, right: Array, shift: int = 0) -> NDArray[np.int64]:
    """How many pairs of finite floats are how far apart: item n counts distances of n binary digits, so item 0 equal values.

    Distance counts the representable values from one to the other; the two zeros are equal. ``shift`` is how many trailing
    bits the original format lacks.
    """
    one, other = _ordered(left), _ordered(right)
    # Modulo 2^64 the difference of the larger and the smaller is exact.
    distance = np.maximum(one, other).astype(np.uint64) - np.minimum(one, other).astype(np.uint64)
    distance >>= np.uint64(shift)
    # Without the digit after the first one, rounding to float64 cannot carry into the next power of two.
    rounded = (distance & ~(distance >> np.uint64(1))).astype(np.float64)
    return np.bincount(np.maximum((rounded.view(np.int64) >> 52) - 1022, 0), minlength=65)


def _ordered(values: Array) -> Array:
    """The bits of floats as integers in the order of the values, neighbours one apart."""
    bits = values.view(f"i{values.dtype.itemsize}")
    ordered: Array = np.where(bits >= 0, bits, _LEAST[bits.dtype] - bits)
    return ordered


_LEAST: Final = {np.dtype(kind): kind(np.iinfo(kind).min) for kind in (np.int16, np.int32, np.int64)}


class ExactSum:
    """A sum of floats without any rounding, so that no order or grouping of the summands changes it."""

    _UNIT: Final = 1074
    """All floats are multiples of 2^-1074."""

    def __init__(self) -> None:
        self._total = 0
        self._finite = True

    def add(self, value: float) -> None:
        """Add one summand; one that is not finite makes the sum none."""
        if not math.isfinite(value):
            self._finite = False
            return
        numerator, denominator = value.as_integer_ratio()
        self._total += numerator << (self._UNIT - denominator.bit_length() + 1)

    def merge(self, other: ExactSum) -> None:
        """Add what another one summed."""
        self._total += other._total
        self._finite &= other._finite

    @property
    def scaled(self) -> int | None:
        """The sum times 2^1074; None where a summand was not finite."""
        return self._total if self._finite else None
