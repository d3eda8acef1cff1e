"""Measures what a command has written, so that it is ended before it fills the disk."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

_RESERVE = 1 << 30
_MOST_FILES = 200_000
_PAUSE = 0.5
_SHARE = 10.0


class Usage:
    """What lies in ``folders`` beyond what lay there at first. Asked often, it looks rarely: a tenth of the time at most."""

    def __init__(self, folders: Sequence[Path], limit: int) -> None:
        self._folders = folders
        self._limit = limit
        self._next = 0.0
        self._free = min(shutil.disk_usage(folder).free for folder in folders)
        self._before: int | None = None

    def complaint(self) -> str | None:
        """Why the command has to be ended, None while it need not be."""
        now = time.monotonic()
        if now < self._next:
            return None
        written, files = self._measure()
        self._next = time.monotonic() + max(_PAUSE, _SHARE * (time.monotonic() - now))
        if self._before is None:
            self._before = written
        if written - self._before > self._limit:
            return f"the command wrote more than {self._limit} bytes"
        if files > _MOST_FILES:
            return f"the command wrote more than {_MOST_FILES} files"
        # Others may fill the disk, too: only a command that wrote something itself is ended for it.
        low = min(shutil.disk_usage(folder).free for folder in self._folders) < min(_RESERVE, self._free // 2)
        return "the command filled the disk" if low and written > self._before else None

    def _measure(self) -> tuple[int, int]:
        total = files = 0
        waiting = [str(folder) for folder in self._folders]
        while waiting and files <= _MOST_FILES:
            try:
                with os.scandir(waiting.pop()) as entries:
                    for entry in entries:
                        files += 1
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
                        else:
                            total += entry.stat(follow_symlinks=False).st_blocks * 512
            except OSError:
                continue  # gone since, or closed to us
        return total, files
