"""A temporary folder that is known to be in use, so that what a killed auditor left is removed by the next one."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

_PREFIX = "auditor-"
_HELD = ".held"


class Room:
    """Makes one folder, and holds a lock in it for as long as this process lives or until it is released."""

    def __init__(self) -> None:
        self._lock: IO[bytes] | None = None

    def make(self, outside: Path | None = None, *, inside: Path | None = None) -> Path:
        """A fresh temporary folder outside of one folder, or inside of another."""
        made = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=inside)).resolve()
        if outside is not None and made.is_relative_to(outside.resolve()):
            made.rmdir()
            made = Path(tempfile.mkdtemp(prefix=_PREFIX, dir="/tmp")).resolve()
        # Locked before it has the name by which others look for rooms that nobody holds.
        self._lock = (made / ".holding").open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        (made / ".holding").rename(made / _HELD)
        _sweep(made)
        return made

    def release(self) -> None:
        """Let go of the lock: the folder is gone, or may be removed by anybody who is allowed to."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _sweep(own: Path) -> None:
    """Remove the rooms beside ``own`` that nobody holds: their process was killed before it could."""
    for held in own.parent.glob(f"{_PREFIX}*/{_HELD}"):
        with suppress(OSError):
            if held.parent == own or held.lstat().st_uid != os.geteuid():
                continue
            with held.open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(held.parent)


def remove(base: Path) -> None:
    """Remove a folder in which a command was free to do what it wanted."""
    shutil.rmtree(base, ignore_errors=True)
    if not base.exists():
        return
    # The command may have taken its owner the right to delete: give it back, then try once more.
    for folder, _, _ in os.walk(base):
        Path(folder).chmod(0o700)
        for name in os.listdir(folder):  # noqa: PTH208  (names only, of folders that may just have become readable)
            place = Path(folder, name)
            if place.is_dir() and not place.is_symlink():
                place.chmod(0o700)
    shutil.rmtree(base)
