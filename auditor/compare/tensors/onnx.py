"""Reads the tensors of ONNX models: initializers, constants in nodes, and external data beside the model.

Field numbers are those of onnx/onnx.proto. The messages are walked instead of parsed by the onnx library, which holds the
whole model in memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np

from auditor.compare.errors import Refused
from auditor.compare.source import Source
from auditor.compare.tensors.archive import check_ratio
from auditor.compare.tensors.base import (
    BLOCK,
    MAX_DIMENSIONS,
    Array,
    Raw,
    TensorFile,
    TensorInfo,
    flat_blocks,
    from_chunks,
    sequential,
    stored_plainly,
)
from auditor.compare.tensors.dtypes import stored_dtype, widen
from auditor.compare.tensors.onnx_graph import Message, messages
from auditor.compare.tensors.protobuf import VARINT, Field, Walker, varints
from auditor.compare.tensors.text import SIZE, packed
from auditor.errors import EmptySelectionError, UndecidableError

_DTYPES: Final = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "text",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    14: "complex64",
    15: "complex128",
    16: "bfloat16",
    17: "float8_e4m3fn",
    18: "float8_e4m3fnuz",
    19: "float8_e5m2",
    20: "float8_e5m2fnuz",
    24: "float8_e8m0fnu",
}
_HALF_BYTES: Final = {21: "onnx_uint4", 22: "onnx_int4", 23: "onnx_float4e2m1"}
"""Types of which a byte holds two: their bytes are compared, exactly."""

_FLOATS, _INT32, _TEXT, _INT64, _RAW, _DOUBLES, _UINT64 = 4, 5, 6, 7, 9, 10, 11
_EXTERNAL: Final = 0
_FIELD: Final = {"float32": _FLOATS, "complex64": _FLOATS, "text": _TEXT, "int64": _INT64, "float64": _DOUBLES} | {
    "complex128": _DOUBLES,
    "uint32": _UINT64,
    "uint64": _UINT64,
}
"""The field that holds elements of a dtype which are not raw bytes; int32_data for all others."""
_VARINTS: Final = frozenset({_INT32, _INT64, _UINT64})
_CHUNK: Final = 1 << 20
_MAX_TEXT: Final = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """Where a tensor's elements are: stretches of ``source``, in the field that says how they are encoded."""

    source: Source
    field: int
    stretches: tuple[tuple[int, int], ...]
    dtype: np.dtype[Any]


class OnnxFile(TensorFile):
    """Every tensor of a model. Those of nodes and subgraphs are called by the node's first output and the attribute.

    Raises:
        Refused: no model, a tensor whose declarations lie, external data outside the model's folder.
        UndecidableError: a type without a reader.
    """

    def __init__(self, source: Source, folder: Path) -> None:
        super().__init__(source)
        self._folder = folder
        self._external: dict[str, Source] = {}
        self._stored: dict[str, _Stored] = {}
        self.tensors: dict[str, TensorInfo] = {}
        try:
            walker = Walker(source)
            for message in messages(walker, source.size):
                self._add(walker, message)
            total = source.size + sum(external.size for external in self._external.values())
            check_ratio(sum(info.nbytes for info in self.tensors.values()), total)
        except BaseException:
            for external in self._external.values():
                external.close()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        with ExitStack() as stack:
            for each in (self._source, *self._external.values()):
                stack.callback(each.__exit__, kind, error, trace)

    def blocks(self, name: str, elements: int = BLOCK) -> Iterator[Array]:
        """See :meth:`TensorFile.blocks`."""
        info, stored = self.tensors[name], self._stored[name]
        if stored.field in _VARINTS:
            fill = from_chunks(_converted(stored, info))
        elif stored.field == _TEXT:
            fill = from_chunks(packed(stored.source.read(*stretch)) for stretch in stored.stretches)
        elif len(stored.stretches) == 1:
            fill = sequential(stored.source, stored.stretches[0][0])
        else:
            fill = from_chunks(_chunks(stored))
        for block in flat_blocks(fill, stored.dtype, info.elements, elements):
            yield widen(block, info.dtype)

    def raw(self, name: str) -> Raw | None:
        """See :meth:`TensorFile.raw`."""
        stored = self._stored[name]
        if stored.field in {*_VARINTS, _TEXT} or len(stored.stretches) != 1:
            return None
        return stored_plainly(stored.source, stored.stretches[0][0], stored.dtype, self.tensors[name])

    def _add(self, walker: Walker, message: Message) -> None:
        """Steps: 1 the message's fields, 2 its name, 3 a type we know, 4 a possible shape, 5 as many bytes as that takes."""
        parts = _Parts(walker, message)
        name = f"{message.prefix}{parts.name}" if message.own_name is None else f"{message.prefix}{message.own_name}"
        if name in self.tensors:
            raise Refused(f"it has two tensors called {name!r}")
        if len(parts.shape) > MAX_DIMENSIONS or any(extent >= 1 << 63 for extent in parts.shape):
            raise Refused(f"its tensor {name!r} has an impossible shape")
        info = self.tensors[name] = _described(name, parts)
        beside = parts.external
        self._stored[name] = self._beside(name, info, beside) if beside else _inside(self._source, info, parts)

    def _beside(self, name: str, info: TensorInfo, entries: dict[str, str]) -> _Stored:
        """External data: a regular file in the model's folder or below, long enough for what is declared."""
        if info.dtype == "text":
            raise Refused(f"its tensor {name!r} keeps text in another file")
        external = self._open(entries.get("location", ""))
        numbers = [entries.get("offset") or "0", entries.get("length") or str(info.nbytes)]
        if not all(number.isascii() and number.isdigit() and len(number) < 20 for number in numbers):
            raise Refused(f"its tensor {name!r} has impossible offsets")
        offset, length = map(int, numbers)
        if length != info.nbytes or offset + length > external.size:
            raise Refused(f"its tensor {name!r} does not fill the bytes given to it, or they lie beyond the end of the file")
        dtype = _stored(info)
        return _Stored(source=external, field=_EXTERNAL, stretches=((offset, length),), dtype=dtype)

    def _open(self, location: str) -> Source:
        if location not in self._external:
            name = PurePosixPath(location)
            outside = name.is_absolute() or ".." in name.parts or "\\" in location or "\0" in location or not name.parts
            path = self._folder / name
            if outside or not path.resolve().is_relative_to(self._folder.resolve()):
                raise Refused(f"its external data {location[:200]!r} lies outside the model's folder")
            if len(self._external) >= 64:
                raise Refused("its external data is spread over more than 64 files")
            try:
                self._external[location] = Source(path)
            except EmptySelectionError as error:
                raise Refused(f"its external data {location[:200]!r} is missing") from error
        return self._external[location]


class _Parts:
    """The fields of a TensorProto."""

    def __init__(self, walker: Walker, message: Message) -> None:
        self.name = ""
        self.kind = 0
        self.data: dict[int, list[Field]] = {}
        self.external: dict[str, str] = {}
        shape: list[Field] = []
        for field in walker.fields(message.start, message.length):
            match field.number:
                case 1:
                    shape.append(field)
                case 2:
                    self.kind = field.value
                case 3:
                    raise Refused("a tensor of it is cut into segments")
                case 8:
                    self.name = walker.text(field)
                case 13:
                    entry = {part.number: walker.text(part) for part in walker.fields(field.start, field.length)}
                    self.external[entry.get(1, "")] = entry.get(2, "")
                case 4 | 5 | 6 | 7 | 9 | 10 | 11:
                    self.data.setdefault(field.number, []).append(field)
        self.shape = tuple(_sizes(walker, shape))


def _sizes(walker: Walker, fields: list[Field]) -> Iterator[int]:
    for field in fields:
        if field.wire == VARINT:
            yield field.value
        else:
            for values in varints(iter([walker.read(field)])):
                yield from values.tolist()


def _described(name: str, parts: _Parts) -> TensorInfo:
    if parts.kind in _HALF_BYTES:
        nbytes = (math.prod(parts.shape) + 1) // 2
        return TensorInfo(name=name, dtype=_HALF_BYTES[parts.kind], shape=(nbytes,), nbytes=nbytes, exact=True)
    if parts.kind not in _DTYPES:
        raise UndecidableError(f"its tensor {name!r} has the type {parts.kind}, which cannot be compared")
    dtype = _DTYPES[parts.kind]
    nbytes = math.prod(parts.shape) * (SIZE if dtype == "text" else stored_dtype(dtype).itemsize)
    return TensorInfo(name=name, dtype=dtype, shape=parts.shape, nbytes=nbytes, exact=dtype == "text")


def _stored(info: TensorInfo) -> np.dtype[Any]:
    if info.dtype == "text":
        return np.dtype(f"S{SIZE}")
    return stored_dtype("uint8" if info.exact else info.dtype)


def _inside(source: Source, info: TensorInfo, parts: _Parts) -> _Stored:
    """The one field that holds the elements, if it can hold as many as are declared."""
    fields = {
        number: found for number, found in parts.data.items() if any(field.length for field in found) or number == _TEXT
    }
    expected = _RAW if _RAW in fields else _FIELD.get(info.dtype, _INT32)
    found = fields.pop(expected, [])
    if fields or (expected == _RAW and (len(found) > 1 or info.dtype == "text")):
        raise Refused(f"its tensor {info.name!r} stores its elements twice, or as another type")
    stretches = tuple((field.start, field.length) for field in found)
    length = sum(size for _, size in stretches)
    if expected == _TEXT:
        fits = len(found) == info.elements and all(size <= _MAX_TEXT for _, size in stretches)
    elif expected in _VARINTS:
        fits = info.elements <= length <= 10 * info.elements
    else:
        fits = length == info.nbytes
    if not fits:
        raise Refused(f"its tensor {info.name!r} of shape {[*info.shape]} does not fill the {length} bytes given to it")
    return _Stored(source=source, field=expected, stretches=stretches, dtype=_stored(info))


def _chunks(stored: _Stored) -> Iterator[bytes]:
    for start, length in stored.stretches:
        for offset in range(start, start + length, _CHUNK):
            yield stored.source.read(offset, min(_CHUNK, start + length - offset))


def _converted(stored: _Stored, info: TensorInfo) -> Iterator[bytes]:
    """Numbers of variable length as elements of the tensor's dtype, exactly as many as were declared."""
    left = info.elements
    signed = stored.dtype.kind == "i"
    # float16 is stored as the integer that has its bits.
    dtype = np.dtype(np.uint16) if stored.dtype.kind == "f" else stored.dtype
    for values in varints(_chunks(stored)):
        left -= len(values)
        elements = (values.view(np.int64) if signed else values).astype(dtype)
        back = elements.astype(np.int64).view(np.uint64) if signed else elements.astype(np.uint64)
        if left < 0 or not np.array_equal(back, values):
            raise Refused(f"its tensor {info.name!r} holds more elements than it declares, or too large ones")
        yield elements.tobytes()
