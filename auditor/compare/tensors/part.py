"""A stretch of an open file that a reader sees as a file of its own."""

from __future__ import annotations

import io
import os
from typing import Any

from auditor.compare.errors import Refused
from auditor.compare.source import Source


class Part(Source):
    """``size`` bytes of another source from ``offset`` on; closing it closes the whole file."""

    def __init__(self, whole: Source, offset: int, size: int) -> None:
        # Source's own constructor opens a path; here the file is open already.
        self._whole = whole
        self._offset = offset
        self.size = size

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._whole.__exit__(kind, *rest)

    def close(self) -> None:
        """Close the whole file."""
        self._whole.close()

    def read_into(self, view: memoryview, offset: int) -> None:
        """See :meth:`Source.read_into`."""
        if offset + len(view) > self.size:
            raise Refused("it ends before the data that it declares")
        self._whole.read_into(view, self._offset + offset)


class Stream(io.RawIOBase):
    """The file-like object that libraries want to read from. Reading beyond the end gives what there is.

    Args:
        source: where the bytes come from; it stays open when the stream is closed.
        limit: the largest single read; a request for more is a ValueError, whatever a header made a library ask for.
    """

    def __init__(self, source: Source, limit: int = 1 << 30) -> None:
        super().__init__()
        self._source = source
        self._limit = limit
        self._position = 0

    def seekable(self) -> bool:
        """See :class:`io.IOBase`."""
        return True

    def readable(self) -> bool:
        """See :class:`io.IOBase`."""
        return True

    def tell(self) -> int:
        """See :class:`io.IOBase`."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """See :class:`io.IOBase`."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._source.size}[whence]
        if start + offset < 0:
            raise ValueError("a seek before the beginning")
        self._position = start + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """See :class:`io.RawIOBase`."""
        left = max(0, self._source.size - self._position)
        length = left if size is None or size < 0 else min(size, left)
        if length > self._limit:
            raise ValueError(f"one read of {length} bytes")
        content = self._source.read(self._position, length)
        self._position += length
        return content

    def readinto(self, buffer: Any) -> int:
        """See :class:`io.RawIOBase`."""
        view = memoryview(buffer).cast("B")
        length = min(len(view), max(0, self._source.size - self._position))
        if length:
            self._source.read_into(view[:length], self._position)
            self._position += length
        return length
