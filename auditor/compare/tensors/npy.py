"""Reads ``.npy``, whole files and members of ``.npz`` (numpy's format versions 1 to 3), without ever unpickling."""

from __future__ import annotations

import ast
import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from auditor.compare.errors import Refused, pickled
from auditor.compare.source import Source
from auditor.compare.tensors.base import BLOCK, MAX_DIMENSIONS, Array, Raw, TensorFile, TensorInfo, flat_blocks, sequential

MAGIC: Final = b"\x93NUMPY"
# numpy's own limit for headers it did not write: literal_eval of more can exhaust the parser.
_MAX_HEADER: Final = 10_000
_LENGTH_FIELD: Final = {1: "<H", 2: "<I", 3: "<I"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A checked header; ``offset`` is where the elements begin."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    offset: int

    def info(self, name: str) -> TensorInfo:
        """What is declared, under ``name``."""
        count = math.prod(self.shape)
        fortran = self.fortran and sum(extent > 1 for extent in self.shape) > 1
        return TensorInfo(
            name=name, dtype=_name(self.dtype), shape=self.shape, nbytes=count * self.dtype.itemsize, fortran=fortran
        )


class NpyFile(TensorFile):
    """A single array, named ``""``."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        position = 0

        def read(length: int) -> bytes:
            nonlocal position
            position += length
            return source.read(position - length, length)

        self._header = read_header(read, source.size)
        self.tensors = {"": self._header.info("")}

    def blocks(self, name: str, elements: int = BLOCK) -> Iterator[Array]:
        """See :meth:`TensorFile.blocks`."""
        count = self.tensors[name].elements
        return flat_blocks(sequential(self._source, self._header.offset), self._header.dtype, count, elements)

    def raw(self, name: str) -> Raw | None:
        """See :meth:`TensorFile.raw`."""
        dtype = self._header.dtype
        plain = name in self.tensors and dtype.kind == "f" and dtype.itemsize <= 8 and dtype.isnative
        return Raw(self._source, self._header.offset, dtype) if plain else None


def read_header(read: Callable[[int], bytes], size: int) -> Header:
    """The header of an array that takes ``size`` bytes with it; ``read`` gives exactly as many bytes as it is asked for.

    Raises:
        Pickled: an array of objects.
        Refused: anything that numpy would not have written, or that does not fill ``size`` exactly.
    """
    prefix = read(8)
    if prefix[:6] != MAGIC or prefix[6] not in _LENGTH_FIELD:
        raise Refused("it is no array in npy format 1 to 3")
    field = _LENGTH_FIELD[prefix[6]]
    (length,) = struct.unpack(field, read(struct.calcsize(field)))
    if length > _MAX_HEADER:
        raise Refused(f"its npy header declares {length} bytes; {_MAX_HEADER} are the most that numpy accepts")
    raw = read(length)
    offset = 8 + struct.calcsize(field) + length
    dtype, shape, fortran = _parse(raw, "utf-8" if prefix[6] == 3 else "latin-1")
    declared = math.prod(shape) * dtype.itemsize
    if declared != size - offset:
        raise Refused(f"its npy header declares {declared} bytes of elements where {size - offset} are stored")
    return Header(dtype=dtype, shape=shape, fortran=fortran, offset=offset)


def _parse(raw: bytes, encoding: str) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    try:
        header = ast.literal_eval(raw.decode(encoding).strip())
        if not isinstance(header, dict) or set(header) != {"descr", "fortran_order", "shape"}:
            raise Refused("its npy header lacks descr, fortran_order or shape")
        dtype = np.lib.format.descr_to_dtype(header["descr"])
    except (ValueError, SyntaxError, TypeError, KeyError, IndexError, MemoryError, RecursionError) as error:
        raise Refused("its npy header cannot be understood") from error
    shape, fortran = header["shape"], header["fortran_order"]
    if dtype.hasobject:
        raise pickled("it holds an array of Python objects")
    if not isinstance(shape, tuple) or len(shape) > MAX_DIMENSIONS or any(type(n) is not int or n < 0 for n in shape):
        raise Refused("its npy header declares an impossible shape")
    if dtype.itemsize == 0 or type(fortran) is not bool:
        raise Refused("its npy header declares elements without size or without order")
    return dtype, shape, fortran


def _name(dtype: np.dtype[Any]) -> str:
    if dtype.kind in "fciub":
        return dtype.newbyteorder("=").name
    return str(dtype.newbyteorder("=")) if dtype.names else dtype.newbyteorder("=").str.lstrip("<>|=")
