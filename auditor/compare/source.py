"""A regular file, opened once and read by offset into the caller's buffers."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Self

from auditor.compare.errors import Refused
from auditor.errors import EmptySelectionError, UndecidableError

_BLOCK = 1 << 20

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


class Source:
    """An open regular file of ``size`` bytes.

    Symbolic links are followed. The file must not change until it is closed: leaving the ``with`` block checks it.

    Raises:
        EmptySelectionError: there is no such file.
        Refused: it is not a regular file, or it changed while it was read.
        UndecidableError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        # Looked at before opening: opening a device or a pipe can already have an effect or hang.
        _require_regular(_status(path))
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError as error:
            raise UndecidableError(f"it cannot be read: {error.strerror}") from error
        status = os.fstat(self._fd)
        try:
            _require_regular(status)
        except Refused:
            os.close(self._fd)
            raise
        self.size = status.st_size
        self._identity = _identity(status)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        changed = _identity(os.fstat(self._fd)) != self._identity
        self.close()
        if changed and kind is None:
            raise Refused("it changed while it was being read")

    def close(self) -> None:
        """Give the file back. Does not check for changes."""
        os.close(self._fd)

    def read_into(self, view: memoryview, offset: int) -> None:
        """Fill ``view`` with the bytes from ``offset`` on.

        Raises:
            Refused: the file ends first.
        """
        while view:
            count = os.preadv(self._fd, [view], offset)
            if count == 0:
                raise Refused("it ends before the data that it declares")
            view, offset = view[count:], offset + count

    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset`` on. The caller bounds ``length``.

        Raises:
            Refused: the file ends first.
        """
        if offset + length > self.size:
            raise Refused("it ends before the data that it declares")
        buffer = bytearray(length)
        self.read_into(memoryview(buffer), offset)
        return bytes(buffer)


def same_bytes(expected: Path, actual: Path) -> bool:
    """Whether two regular files hold the same bytes. Raises what :class:`Source` raises."""
    with Source(expected) as one, Source(actual) as other:
        if one.size != other.size:
            return False
        left, right = bytearray(min(_BLOCK, one.size)), bytearray(min(_BLOCK, one.size))
        for offset in range(0, one.size, _BLOCK):
            length = min(_BLOCK, one.size - offset)
            one.read_into(memoryview(left)[:length], offset)
            other.read_into(memoryview(right)[:length], offset)
            # Whole buffers: what a short last block leaves in their tails was equal the round before.
            if left != right:
                return False
        return True


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise EmptySelectionError(f"no such file: {path}") from error
    except ValueError as error:  # a NUL in the name
        raise EmptySelectionError("no such file: the name cannot be one") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Refused("it is a symbolic link that leads back to itself") from error
        raise UndecidableError(f"it cannot be read: {error.strerror}") from error


def _require_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((words for test, words in _KINDS if test(status.st_mode)), "a special file")
        raise Refused(f"it is {kind}, not a regular file")


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
