"""What every reader of tensors gives: names, dtypes and shapes first, then the elements in blocks of bounded size."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from auditor.compare.errors import Refused
from auditor.compare.source import Source

BLOCK: Final = 1 << 16
"""Elements per block unless a caller asks otherwise: two float32 blocks and their temporaries stay in a core's cache."""

MAX_DIMENSIONS: Final = 64
_MAX_BLOCK_BYTES: Final = 1 << 22

Array = NDArray[Any]

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorInfo:
    """What a file declares about one tensor, checked against the file's size.

    ``dtype`` is numpy's name without byte order, one of :mod:`auditor.compare.tensors.dtypes` (``bfloat16``,
    ``float8_e4m3fn``...), ``text``, or a format's own name for packed bytes (``ggml_q4_k``); ``nbytes`` counts stored bytes.
    ``fortran`` tells that elements are stored, and therefore read, with the first index running fastest. ``exact`` says that
    no tolerance can make unequal elements agree: the structure of a tree, packed bytes, text.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    nbytes: int
    fortran: bool = False
    exact: bool = False

    @property
    def elements(self) -> int:
        """How many elements the tensor has; 1 for a scalar."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Raw:
    """Where a tensor's elements lie in a file, one after the other, uncompressed and in native byte order."""

    source: Source
    offset: int
    dtype: np.dtype[Any]


class TensorFile(ABC):
    """An open file of tensors, in the file's order. Closing it checks that it did not change meanwhile."""

    tensors: Mapping[str, TensorInfo]
    listed: Mapping[str, str] = _NOTHING
    """What else the file holds and nobody compares, by name, each with what it is (``int``, ``a soft link``)."""
    tied: tuple[tuple[str, ...], ...] = ()
    """Groups of names that stand for the same stored bytes."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._source.__exit__(kind, error, trace)

    @abstractmethod
    def blocks(self, name: str, elements: int = BLOCK) -> Iterator[Array]:
        """The tensor's elements in stored order, as flat arrays in native byte order of at most ``elements`` each.

        A block is overwritten by the next one. bfloat16 and float8 come as float32 of the same value, one to one.

        Raises:
            Refused: the stored bytes turn out not to be what the file declared.
        """

    def raw(self, name: str) -> Raw | None:
        """Where the elements can be read without this reader; None where only it can. bfloat16 is stored as uint16."""
        del name
        return None


_AS_STORED: Final = frozenset({"bfloat16", "float16", "float32", "float64"})


def stored_plainly(source: Source, offset: int, stored: np.dtype[Any], info: TensorInfo) -> Raw | None:
    """What :meth:`TensorFile.raw` gives for elements that lie at ``offset`` one after the other."""
    return Raw(source, offset, stored) if info.dtype in _AS_STORED and stored.isnative else None


def flat_blocks(fill: Callable[[memoryview], None], dtype: np.dtype[Any], count: int, elements: int) -> Iterator[Array]:
    """Blocks of ``count`` items of ``dtype`` from a sequential reader, through one buffer.

    Raises:
        Refused: a single item is too large for a block.
    """
    if dtype.itemsize > _MAX_BLOCK_BYTES:
        raise Refused(f"one element takes {dtype.itemsize} bytes")
    per_block = max(1, min(elements, _MAX_BLOCK_BYTES // dtype.itemsize))
    buffer = bytearray(min(per_block, count) * dtype.itemsize)
    for start in range(0, count, per_block):
        size = min(per_block, count - start)
        fill(memoryview(buffer)[: size * dtype.itemsize])
        block = np.frombuffer(buffer, dtype=dtype, count=size)
        yield block if dtype.isnative else block.astype(dtype.newbyteorder("="))


def sequential(source: Source, offset: int) -> Callable[[memoryview], None]:
    """A reader that fills one buffer after the other with the bytes from ``offset`` on."""
    position = offset

    def fill(view: memoryview) -> None:
        nonlocal position
        source.read_into(view, position)
        position += len(view)

    return fill


def from_chunks(chunks: Iterator[bytes | memoryview]) -> Callable[[memoryview], None]:
    """A reader that fills one buffer after the other from chunks of any size.

    Raises:
        Refused: when called, if the chunks end first.
    """
    rest = memoryview(b"")

    def fill(view: memoryview) -> None:
        nonlocal rest
        while view:
            while not rest:
                chunk = next(chunks, None)
                if chunk is None:
                    raise Refused("it ends before the data that it declares")
                rest = memoryview(chunk)
            length = min(len(view), len(rest))
            view[:length] = rest[:length]
            view, rest = view[length:], rest[length:]

    return fill
