"""Reads UBJSON (draft 12, https://ubjson.org) as XGBoost writes it, within limits."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from auditor.compare.errors import Refused

_MAX_DEPTH: Final = 64
_MAX_VALUES: Final = 5_000_000
_NUMBERS: Final = {b"i": ">i1", b"U": ">u1", b"I": ">i2", b"l": ">i4", b"L": ">i8", b"d": ">f4", b"D": ">f8"}
_CONSTANTS: Final = {b"Z": None, b"T": True, b"F": False}


def decode(raw: bytes) -> Any:
    """The value that ``raw`` holds: dicts, lists, numbers, text; typed arrays as numpy arrays.

    Raises:
        Refused: it is no UBJSON, or declares more than it holds.
    """
    reader = _Reader(raw)
    try:
        value = reader.value(reader.take(1), 0)
    except (UnicodeDecodeError, struct.error) as error:
        raise Refused("it is no UBJSON") from error
    if reader.left():
        raise Refused("there are bytes after its end")
    return value


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._position = 0
        self._values = 0

    def left(self) -> int:
        return len(self._raw) - self._position

    def take(self, length: int) -> bytes:
        if not 0 <= length <= self.left():
            raise Refused("it ends before what it declares")
        self._position += length
        return self._raw[self._position - length : self._position]

    def value(self, marker: bytes, depth: int) -> Any:
        self._values += 1
        if self._values > _MAX_VALUES or depth > _MAX_DEPTH:
            raise Refused("it holds too many values, or nests too deeply")
        if marker in _NUMBERS:
            dtype = np.dtype(_NUMBERS[marker])
            return np.frombuffer(self.take(dtype.itemsize), dtype=dtype)[0].item()
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        readers: dict[bytes, Callable[[int], Any]] = {b"S": self._text, b"C": self._character}
        readers |= {b"[": self._array, b"{": self._object}
        if marker not in readers:
            raise Refused("it is no UBJSON")
        return readers[marker](depth)

    def _character(self, _depth: int) -> str:
        return self.take(1).decode("ascii")

    def _text(self, _depth: int) -> str:
        return self.take(self._length()).decode("utf-8")

    def _length(self) -> int:
        marker = self.take(1)
        if marker not in _NUMBERS or marker in b"dD":
            raise Refused("it has a length that is no integer")
        return int(self.value(marker, 0))

    def _array(self, depth: int) -> Any:
        marker = self.take(1)
        kind = None
        if marker == b"$":
            kind, marker = self.take(1), self.take(1)
            if marker != b"#":
                raise Refused("it is no UBJSON")
        if marker == b"#":
            return self._counted(kind, self._length(), depth)
        values = []
        while marker != b"]":
            values.append(self.value(marker, depth + 1))
            marker = self.take(1)
        return values

    def _counted(self, kind: bytes | None, length: int, depth: int) -> Any:
        if kind is None:
            if length > self.left():
                raise Refused("it ends before what it declares")
            return [self.value(self.take(1), depth + 1) for _ in range(length)]
        if kind not in _NUMBERS:
            raise Refused("it is no UBJSON: an array of what has no size")
        dtype = np.dtype(_NUMBERS[kind])
        return np.frombuffer(self.take(length * dtype.itemsize), dtype=dtype)

    def _object(self, depth: int) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        while self._raw[self._position : self._position + 1] != b"}":
            name = self._text(depth)
            if name in entries:
                raise Refused(f"it names {name[:200]!r} twice")
            entries[name] = self.value(self.take(1), depth + 1)
        self._position += 1
        return entries
