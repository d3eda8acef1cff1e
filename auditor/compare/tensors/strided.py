"""Reads tensors whose elements lie in their storage in no simple order: slices, expanded and permuted views."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, Final, Literal

import numpy as np

from auditor.compare.source import Source
from auditor.errors import UndecidableError

# A stretch of storage that is read at once, in bytes.
_SPAN: Final = 1 << 25
# How many times its own size may be read for a tensor before it is called unreadable.
_MAX_EFFORT: Final = 16
# What a read costs, however short it is, in bytes that could have been read instead.
_READ: Final = 512

Layout = tuple[tuple[int, ...], tuple[int, ...]]
"""Shape and strides, both counted in elements."""


def contiguous_order(shape: tuple[int, ...], strides: tuple[int, ...]) -> Literal["C", "F"] | None:
    """How the elements follow each other without gaps: last index fastest, first index fastest, or in no such way."""
    if 0 in shape or _follows(shape[::-1], strides[::-1]):
        return "C"
    return "F" if _follows(shape, strides) else None


def _follows(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    step = 1
    for extent, stride in zip(shape, strides, strict=True):
        if extent > 1 and stride != step:
            return False
        step *= extent
    return True


def spans(name: str, layout: Layout, itemsize: int) -> int:
    """How many leading indices are fixed, so that what they leave lies within one stretch of bounded size.

    Raises:
        UndecidableError: reading it that way would cost many times its size.
    """
    shape, strides = layout
    for fixed in range(len(shape) + 1):
        length = _length(shape[fixed:], strides[fixed:]) * itemsize
        count = math.prod(shape[:fixed])
        if length <= _SPAN and math.prod(shape[fixed:]) * itemsize <= _SPAN:
            if count * max(length, _READ) > max(_SPAN, _MAX_EFFORT * math.prod(shape) * itemsize):
                break
            return fixed
    raise UndecidableError(
        f"its tensor {name!r} is a view whose elements lie too far apart", hint="save tensor.contiguous() instead"
    )


def _length(shape: tuple[int, ...], strides: tuple[int, ...]) -> int:
    return 1 + sum((extent - 1) * stride for extent, stride in zip(shape, strides, strict=True))


def strided_chunks(source: Source, begin: int, dtype: np.dtype[Any], layout: Layout) -> Iterator[memoryview]:
    """The bytes of all elements, last index fastest; ``begin`` is where the first one lies. Chunks of bounded size."""
    shape, strides = layout
    size = dtype.itemsize
    fixed = spans("", layout, size)
    inner = shape[fixed:]
    buffer = bytearray(_length(inner, strides[fixed:]) * size)
    steps = [stride * size for stride in strides[fixed:]]
    for index in itertools.product(*map(range, shape[:fixed])):
        offset = sum(place * stride for place, stride in zip(index, strides, strict=False))
        source.read_into(memoryview(buffer), begin + offset * size)
        view = np.ndarray(inner, dtype=dtype, buffer=buffer, strides=steps)
        yield np.ascontiguousarray(view).reshape(-1).view(np.uint8).data
