"""Reads GGUF, versions 2 and 3, of either byte order (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).

The header is walked here instead of by the gguf library, which makes an object of every word of a vocabulary and believes
the lengths that a header declares.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Any, Final, Literal

import numpy as np

from auditor.compare.errors import Refused
from auditor.compare.source import Source
from auditor.compare.tensors.base import BLOCK, Array, Raw, TensorFile, TensorInfo, flat_blocks, sequential, stored_plainly
from auditor.compare.tensors.dtypes import stored_dtype, widen
from auditor.errors import UndecidableError

MAGIC: Final = b"GGUF"

PLAIN: Final = {
    0: "float32",
    1: "float16",
    24: "int8",
    25: "int16",
    26: "int32",
    27: "int64",
    28: "float64",
    30: "bfloat16",
}
"""Types whose elements are compared as numbers."""

PACKED: Final = {
    2: ("q4_0", 32, 18),
    3: ("q4_1", 32, 20),
    6: ("q5_0", 32, 22),
    7: ("q5_1", 32, 24),
    8: ("q8_0", 32, 34),
    9: ("q8_1", 32, 40),
    10: ("q2_k", 256, 84),
    11: ("q3_k", 256, 110),
    12: ("q4_k", 256, 144),
    13: ("q5_k", 256, 176),
    14: ("q6_k", 256, 210),
    15: ("q8_k", 256, 292),
    16: ("iq2_xxs", 256, 66),
    17: ("iq2_xs", 256, 74),
    18: ("iq3_xxs", 256, 98),
    19: ("iq1_s", 256, 50),
    20: ("iq4_nl", 32, 18),
    21: ("iq3_s", 256, 110),
    22: ("iq2_s", 256, 82),
    23: ("iq4_xs", 256, 136),
    29: ("iq1_m", 256, 56),
    34: ("tq1_0", 256, 54),
    35: ("tq2_0", 256, 66),
    39: ("mxfp4", 32, 17),
    40: ("nvfp4", 64, 36),
    41: ("q1_0", 128, 18),
}
"""Quantised types: name, elements per block, bytes per block. Their bytes are compared, exactly."""

_SCALARS: Final = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING: Final = 8
_ARRAY: Final = 9
_UINT32: Final = 4
_ALIGNMENT: Final = b"general.alignment"
_DEFAULT_ALIGNMENT: Final = 32
_MAX_ALIGNMENT: Final = 1 << 20
_MAX_ENTRIES: Final = 200_000
_MAX_NAME: Final = 1 << 12
_MAX_WALKED: Final = 4_000_000
_MAX_TENSOR_DIMENSIONS: Final = 8
_WINDOW: Final = 1 << 16


class GgufFile(TensorFile):
    """Every tensor of the file; shapes as numpy counts them, slowest index first. Metadata is ``listed``.

    A quantised tensor has the dtype ``ggml_<type>`` and the shape of its bytes.

    Raises:
        Refused: a header that lies.
        UndecidableError: a version or a type that is not known.
    """

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        header = _Header(source)
        tensors, pairs = header.count("tensors"), header.count("entries of metadata")
        self.listed = {}
        alignment = _DEFAULT_ALIGNMENT
        for _ in range(pairs):
            key = header.string()
            kind = header.number("I")
            start = header.position
            header.skip(kind, 0)
            if key == _ALIGNMENT:
                alignment = _alignment(header, kind, start)
            name = key.decode("utf-8", "replace")
            if name in self.listed:
                raise Refused(f"its header names {name[:200]!r} twice")
            self.listed[name] = "metadata"
        self._order = header.order
        self._places: dict[str, tuple[int, np.dtype[Any]]] = {}
        self.tensors: dict[str, TensorInfo] = {}
        entries = [self._entry(header) for _ in range(tensors)]
        self._check_coverage(-(-header.position // alignment) * alignment, alignment, entries)

    def blocks(self, name: str, elements: int = BLOCK) -> Iterator[Array]:
        """See :meth:`TensorFile.blocks`."""
        info = self.tensors[name]
        begin, stored = self._places[name]
        for block in flat_blocks(sequential(self._source, begin), stored, info.elements, elements):
            yield widen(block, info.dtype)

    def raw(self, name: str) -> Raw | None:
        """See :meth:`TensorFile.raw`."""
        return stored_plainly(self._source, *self._places[name], self.tensors[name])

    def _entry(self, header: _Header) -> tuple[int, TensorInfo]:
        """Where the tensor begins behind the header, and what it is."""
        name = header.string().decode("utf-8", "replace")
        dimensions = header.number("I")
        if dimensions > _MAX_TENSOR_DIMENSIONS:
            raise Refused(f"its tensor {name!r} declares {dimensions} dimensions")
        shape = tuple(header.number("Q") for _ in range(dimensions))[::-1]
        kind, offset = header.number("I"), header.number("Q")
        if name in self.tensors:
            raise Refused(f"it has two tensors called {name!r}")
        info = self.tensors[name] = _described(name, kind, shape)
        return offset, info

    def _check_coverage(self, start: int, alignment: int, entries: list[tuple[int, TensorInfo]]) -> None:
        """Tensors lie one after the other, each aligned, and end with the file: no byte escapes comparison."""
        position = start
        for offset, info in sorted(entries, key=lambda entry: (entry[0], entry[0] + entry[1].nbytes)):
            begin = start + offset
            if begin + info.nbytes > self._source.size:
                raise Refused(f"its tensor {info.name!r} lies beyond the end of the file")
            if begin < position:
                raise Refused(f"its tensor {info.name!r} overlaps another one")
            if begin - position >= alignment or offset % alignment:
                raise Refused(f"its tensor {info.name!r} does not begin where the one before it ends")
            position = begin + info.nbytes
            self._places[info.name] = begin, stored_dtype("uint8" if info.exact else info.dtype, self._order)
        if entries and self._source.size - position >= alignment:
            raise Refused(f"after its last tensor there are {self._source.size - position} bytes that belong to none")


def _described(name: str, kind: int, shape: tuple[int, ...]) -> TensorInfo:
    if kind in PLAIN:
        nbytes = math.prod(shape) * stored_dtype(PLAIN[kind]).itemsize
        return TensorInfo(name=name, dtype=PLAIN[kind], shape=shape, nbytes=nbytes)
    if kind not in PACKED:
        raise UndecidableError(f"its tensor {name!r} has the type {kind}, which is not known")
    called, per_block, size = PACKED[kind]
    if not shape or shape[-1] % per_block:
        raise Refused(f"its tensor {name!r} of shape {[*shape]} does not consist of blocks of {per_block}")
    stored = (*shape[:-1], shape[-1] // per_block * size)
    return TensorInfo(name=name, dtype=f"ggml_{called}", shape=stored, nbytes=math.prod(stored), exact=True)


def _alignment(header: _Header, kind: int, start: int) -> int:
    value = header.peek("I", start) if kind == _UINT32 else 0
    if not 0 < value <= _MAX_ALIGNMENT or value & (value - 1):
        raise Refused("its header declares an impossible alignment")
    return value


class _Header:
    """Walks the header through a small window; whatever is not needed is stepped over, never held."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._window = b""
        self._begin = 0
        self.position = 4
        self._walked = 0
        self.order: Literal["<", ">"] = "<"
        version = self.number("I")
        if version & 0xFFFF == 0:
            self.order = ">"
            version = self.peek("I", 4)
        if version not in {2, 3}:
            raise UndecidableError(f"it is GGUF version {version}; versions 2 and 3 can be read")

    def number(self, form: str) -> int:
        """The next number: I for 32 bits, Q for 64."""
        value = self.peek(form, self.position)
        self.position += struct.calcsize(form)
        return value

    def peek(self, form: str, offset: int) -> int:
        """The number at ``offset``."""
        size = struct.calcsize(form)
        if not self._begin <= offset <= self._begin + len(self._window) - size:
            self._window = self._source.read(offset, max(size, min(_WINDOW, self._source.size - offset)))
            self._begin = offset
        (value,) = struct.unpack_from(f"{self.order}{form}", self._window, offset - self._begin)
        return int(value)

    def count(self, what: str) -> int:
        """A number of things that follow."""
        value = self.number("Q")
        if value > _MAX_ENTRIES:
            raise Refused(f"its header declares {value} {what}; {_MAX_ENTRIES} are the most that are read")
        return value

    def string(self) -> bytes:
        """The next string, which is a name."""
        length = self.number("Q")
        if length > _MAX_NAME:
            raise Refused(f"its header has a name of {length} bytes")
        self.position += length
        return self._source.read(self.position - length, length)

    def skip(self, kind: int, depth: int) -> None:
        """Step over a value of metadata."""
        self._walked += 1
        if self._walked > _MAX_WALKED:
            raise Refused(f"its metadata holds more than {_MAX_WALKED} values")
        if kind in _SCALARS:
            self._forward(_SCALARS[kind])
        elif kind == _STRING:
            self._forward(self.number("Q"))
        elif kind == _ARRAY and depth < 4:
            inner, length = self.number("I"), self.number("Q")
            if inner in _SCALARS:
                self._forward(_SCALARS[inner] * length)
                return
            for _ in range(length):
                self.skip(inner, depth + 1)
        else:
            raise Refused(f"its metadata holds a value of an unknown kind, {kind}")

    def _forward(self, length: int) -> None:
        if length > self._source.size - self.position:
            raise Refused("its header ends before what it declares")
        self.position += length
