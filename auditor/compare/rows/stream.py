"""A :class:`auditor.compare.source.Source` as a raw stream, for libraries that read from one."""

from __future__ import annotations

import io
import os

from auditor.compare.source import Source


class Stream(io.RawIOBase):
    """The bytes of an open file from its beginning; closing it leaves the file open."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a place in the file."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._source.size}[whence]
        if start + offset < 0:
            raise ValueError("a seek before the beginning")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        """The place in the file."""
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what io.BufferedReader passes
        """Fill what the file still has of ``buffer``."""
        length = max(0, min(len(buffer), self._source.size - self._position))
        if length:
            self._source.read_into(memoryview(buffer)[:length], self._position)
            self._position += length
        return length
