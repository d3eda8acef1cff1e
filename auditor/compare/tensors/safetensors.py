"""Reads safetensors: a length, a JSON header, and the bytes that it points into (https://github.com/huggingface/safetensors)."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from auditor.compare.errors import Refused
from auditor.compare.source import Source
from auditor.compare.tensors.base import BLOCK, MAX_DIMENSIONS, Array, Raw, TensorFile, TensorInfo, flat_blocks, sequential
from auditor.compare.tensors.dtypes import stored_dtype, widen
from auditor.errors import UndecidableError

# The library accepts 100 MB; parsed, that would be a gigabyte of objects. 32 MiB are some 300,000 tensors.
_MAX_HEADER: Final = 1 << 25

# Name in the header: name of the dtype.
_DTYPES: Final = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "U16": "uint16",
    "I16": "int16",
    "U32": "uint32",
    "I32": "int32",
    "U64": "uint64",
    "I64": "int64",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
    "C64": "complex64",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
}


class SafetensorsFile(TensorFile):
    """Every tensor of one file. ``__metadata__`` describes and is not compared."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        length = header_length(source)
        header = _parse(source.read(8, length))
        header.pop("__metadata__", None)
        self._start = 8 + length
        self._places: dict[str, tuple[int, np.dtype[Any]]] = {}
        infos = {name: self._entry(name, entry) for name, entry in header.items()}
        _check_coverage([(self._places[name][0], info) for name, info in infos.items()], source.size - self._start)
        self.tensors = infos

    def blocks(self, name: str, elements: int = BLOCK) -> Iterator[Array]:
        """See :meth:`TensorFile.blocks`."""
        info = self.tensors[name]
        begin, stored = self._places[name]
        for block in flat_blocks(sequential(self._source, self._start + begin), stored, info.elements, elements):
            yield widen(block, info.dtype)

    def raw(self, name: str) -> Raw | None:
        """See :meth:`TensorFile.raw`."""
        begin, stored = self._places[name]
        plain = self.tensors[name].dtype in {"bfloat16", "float16", "float32", "float64"} and stored.isnative
        return Raw(self._source, self._start + begin, stored) if plain else None

    def _entry(self, name: str, entry: object) -> TensorInfo:
        """Steps: 1 the entry's form, 2 a dtype we know, 3 a possible shape, 4 offsets within the file that fit the shape."""
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            raise Refused(f"its header's entry {name!r} is not dtype, shape and data_offsets")
        dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        if not isinstance(dtype, str) or dtype not in _DTYPES:
            raise UndecidableError(f"its tensor {name!r} has the dtype {dtype!r}, which cannot be compared yet")
        if not _are_sizes(shape) or len(shape) > MAX_DIMENSIONS:
            raise Refused(f"its tensor {name!r} has an impossible shape")
        if not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
            raise Refused(f"its tensor {name!r} has impossible offsets")
        begin, end = offsets
        if end > self._source.size - self._start:
            raise Refused(f"its tensor {name!r} lies beyond the end of the file")
        known, stored = _DTYPES[dtype], stored_dtype(_DTYPES[dtype])
        if math.prod(shape) * stored.itemsize != end - begin:
            raise Refused(f"its tensor {name!r} of shape {shape} does not fill the {end - begin} bytes given to it")
        self._places[name] = (begin, stored)
        return TensorInfo(name=name, dtype=known, shape=tuple(shape), nbytes=end - begin)


def header_length(source: Source) -> int:
    """The length in bytes of the header.

    Raises:
        Refused: the file is too short for what it declares, or the header is larger than any honest one.
    """
    (length,) = struct.unpack("<Q", source.read(0, 8))
    if length > source.size - 8:
        raise Refused(f"it declares a header of {length} bytes and has {source.size - 8}")
    if length > _MAX_HEADER:
        raise Refused(f"its header of {length} bytes is larger than {_MAX_HEADER}")
    return int(length)


def _parse(raw: bytes) -> dict[str, object]:
    try:
        header = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise Refused("its header is no JSON") from error
    if not isinstance(header, dict):
        raise Refused("its header is no JSON object")
    return header


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise Refused("its header names something twice")
    return entries


def _are_sizes(value: object) -> bool:
    return isinstance(value, list) and all(type(n) is int and n >= 0 for n in value)


def _check_coverage(places: list[tuple[int, TensorInfo]], size: int) -> None:
    """The format demands that tensors cover the data without overlap, gap or remainder: no byte escapes comparison."""
    position = 0
    for begin, info in sorted(places, key=lambda place: (place[0], place[0] + place[1].nbytes)):
        if begin < position:
            raise Refused(f"its tensor {info.name!r} overlaps another one")
        if begin > position:
            raise Refused(f"before its tensor {info.name!r} there are {begin - position} bytes that belong to none")
        position = begin + info.nbytes
    if position != size:
        raise Refused(f"after its last tensor there are {size - position} bytes that belong to none")
