"""Remembers the digests of files that have not changed since they were hashed, by everything that ``stat`` tells of them.

One SQLite file inside the git common directory. It can be deleted at any time, several processes may use it at once, and
whatever is wrong with it makes it forget, never fail. It saves work for whoever owns the machine and proves nothing:
whoever can write there can write anything. So gates do not use it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import astuple, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

FILE = "digests.v1.sqlite"
"""The version is part of the name: another layout is another file."""

GRANULARITY = 2_000_000_000
"""Nanoseconds within which two writes may leave a file with the same times; FAT counts in steps of two seconds."""

_TABLE = """CREATE TABLE IF NOT EXISTS digests (
    path BLOB PRIMARY KEY, size INTEGER, mtime INTEGER, ctime INTEGER, inode INTEGER, device INTEGER, digest TEXT
) WITHOUT ROWID"""
_PATIENCE = 2.0


@dataclass(frozen=True, slots=True)
class Status:
    """What changes when a file does. Times are in nanoseconds."""

    size: int
    modified: int
    changed: int
    inode: int
    device: int

    @classmethod
    def of(cls, status: os.stat_result) -> Status:
        """The part of ``status`` that counts."""
        # SQLite's integers are signed; inodes and devices of some file systems use all 64 bits.
        inode, device = (value & 0x7FFF_FFFF_FFFF_FFFF for value in (status.st_ino, status.st_dev))
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, inode, device)


class DigestCache:
    """Digests by path and :class:`Status`. Close it to write down what was learnt.

    ``folder`` tells where they are kept, once a file is large enough for that to matter.
    """

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._where = folder
        self._new: dict[bytes, tuple[object, ...]] = {}

    @cached_property
    def _folder(self) -> Path:
        return self._where()

    def get(self, path: Path, status: Status) -> str | None:
        """The digest of ``path`` as it was when its status was this one, None when that is not known."""
        if self._open is None:
            return None
        query = "SELECT size, mtime, ctime, inode, device, digest FROM digests WHERE path = ?"
        try:
            row = self._open.execute(query, (os.fsencode(path.absolute()),)).fetchone()
        except self._errors as error:
            self._forget(error)
            return None
        # Whatever somebody else wrote there is no digest unless it looks like one.
        known = row is not None and row[:-1] == astuple(status) and isinstance(row[-1], str) and len(row[-1]) == 71
        return str(row[-1]) if known else None

    def put(self, path: Path, status: Status, digest: str, *, started: int) -> None:
        """Remember a digest that was computed from ``started`` (nanoseconds since the epoch) on.

        A file whose times are as young as the clock is coarse could change again without a trace, as in git's index: it is
        not remembered, and read again the next time.
        """
        if started - max(status.modified, status.changed) > GRANULARITY:
            self._new[os.fsencode(path.absolute())] = (*astuple(status), digest)

    def close(self) -> None:
        """Write down what was learnt, unless somebody else is writing for too long."""
        if self._new and self._open is not None:
            rows = [(path, *row) for path, row in self._new.items()]
            try:
                with self._open:
                    self._open.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            except self._errors as error:
                self._forget(error)
        self._new.clear()
        if "_open" in self.__dict__:
            if self._open is not None:
                self._open.close()
            del self.__dict__["_open"]

    @cached_property
    def _open(self) -> sqlite3.Connection | None:
        """The data base, None where there can be none."""
        import sqlite3  # noqa: PLC0415  (only large files need it)

        connection = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._folder / FILE, timeout=_PATIENCE)
            connection.execute(_TABLE)
        except (sqlite3.Error, OSError) as error:
            if connection is not None:
                connection.close()
            self._forget(error)
            return None
        return connection

    def _forget(self, error: Exception) -> None:
        """Remove a damaged file, so that the next audit starts anew. One that is merely busy stays."""
        import sqlite3  # noqa: PLC0415  (the same)

        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            with suppress(OSError):
                (self._folder / FILE).unlink()

    @property
    def _errors(self) -> type[Exception]:
        import sqlite3  # noqa: PLC0415  (the same)

        return sqlite3.Error
