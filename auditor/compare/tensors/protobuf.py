"""Walks protobuf messages in their wire format, holding a small window of the file (https://protobuf.dev/programming-guides/encoding)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from auditor.compare.errors import Refused
from auditor.compare.source import Source

VARINT: Final = 0
_FIXED: Final = {1: 8, 5: 4}
_LENGTH: Final = 2
_MAX_FIELDS: Final = 5_000_000
_WINDOW: Final = 1 << 16
_MAX_VARINT: Final = 10


class Field(NamedTuple):
    """One field of a message: its number, its wire type, where its content lies, and its value if it is a varint."""

    number: int
    wire: int
    start: int
    length: int
    value: int


class Walker:
    """Goes through messages of a file.

    Raises:
        Refused: bytes that are no message, or more fields than any honest file has.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._window = b""
        self._begin = 0
        self._fields = 0

    def fields(self, start: int, length: int) -> Iterator[Field]:
        """The fields of the message of ``length`` bytes at ``start``."""
        position, end = start, start + length
        while position < end:
            self._fields += 1
            if self._fields > _MAX_FIELDS:
                raise Refused(f"it holds more than {_MAX_FIELDS} fields")
            tag, position = self._varint(position, end)
            number, wire = tag >> 3, tag & 7
            begin, value = position, 0
            if wire == VARINT:
                value, position = self._varint(position, end)
            elif wire in _FIXED:
                position += _FIXED[wire]
            elif wire == _LENGTH:
                size, begin = self._varint(position, end)
                position = begin + size
            else:
                raise Refused("it is no protobuf message")
            if position > end or not number:
                raise Refused("it is no protobuf message: a field is longer than what holds it")
            yield Field(number, wire, begin, position - begin, value)

    def read(self, field: Field, limit: int = 4096) -> bytes:
        """The content of a short field."""
        if field.wire != _LENGTH or field.length > limit:
            raise Refused(f"it has a name or a list of more than {limit} bytes, or of another type")
        return self._source.read(field.start, field.length)

    def text(self, field: Field) -> str:
        """The text of a short field."""
        return self.read(field).decode("utf-8", "replace")

    def _varint(self, position: int, end: int) -> tuple[int, int]:
        value = 0
        for place in range(_MAX_VARINT):
            if position >= end:
                break
            if not self._begin <= position < self._begin + len(self._window):
                self._window = self._source.read(position, min(_WINDOW, self._source.size - position))
                self._begin = position
            byte = self._window[position - self._begin]
            position += 1
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return value & 0xFFFF_FFFF_FFFF_FFFF, position
        raise Refused("it is no protobuf message: a number without end")


def varints(chunks: Iterator[bytes]) -> Iterator[NDArray[np.uint64]]:
    """The numbers in a packed field that comes in chunks.

    Raises:
        Refused: a number of more than ten bytes, or an unfinished one.
    """
    rest = b""
    for chunk in chunks:
        content = np.frombuffer(rest + chunk, dtype=np.uint8)
        ends = np.flatnonzero(content < 0x80)
        whole = int(ends[-1]) + 1 if len(ends) else 0
        rest = content[whole:].tobytes()
        if len(rest) >= _MAX_VARINT:
            raise Refused("it holds a number without end")
        if whole:
            yield _decoded(content, ends)
    if rest:
        raise Refused("it ends within a number")


def _decoded(content: NDArray[np.uint8], ends: NDArray[np.intp]) -> NDArray[np.uint64]:
    starts = np.concatenate([np.zeros(1, dtype=ends.dtype), ends[:-1] + 1])
    lengths = ends - starts + 1
    longest = int(lengths.max())
    if longest > _MAX_VARINT:
        raise Refused("it holds a number without end")
    values = np.zeros(len(ends), dtype=np.uint64)
    for place in range(longest):
        here = lengths > place
        values[here] |= (content[starts[here] + place] & np.uint8(0x7F)).astype(np.uint64) << np.uint64(7 * place)
    return values
