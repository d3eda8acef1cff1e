"""Keeps declared inputs under their digest, so that every execution can be shown the same file instead of a copy.

The folder lies in the git common directory. What is found there is hashed again before a process uses it for the first
time: whoever can write there cannot change what a run is judged by.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from auditor import digest
from auditor.errors import UndecidableError

WORTH_KEEPING = 8 << 20
"""Smaller files are copied into a workspace faster than they are hashed and mounted."""

_MOST = 64 << 30


class Inputs:
    """Files by digest below the folder that ``where`` tells; ``most`` bytes are kept, what was used last the longest."""

    def __init__(self, where: Callable[[], Path], *, most: int = _MOST) -> None:
        self._where = where
        self._most = most
        self._hashed: dict[str, Path] = {}

    def hold(self, found: Path, wanted: str | None) -> Path:
        """A file with the bytes of ``found``, of which ``wanted`` is the digest, that nothing changes while it is read.

        Raises:
            UndecidableError: there is no room for it, or it changed since it was found.
        """
        value = wanted or digest.of_file(found)[0]
        if value not in self._hashed:
            self._hashed[value] = self._held(value) or self._keep(found, value)
        return self._hashed[value]

    def _held(self, value: str) -> Path | None:
        place = self._place(value)
        if not place.is_file() or place.is_symlink():
            return None
        if digest.of_file(place)[0] != value:
            place.unlink()
            return None
        os.utime(place)
        return place

    def _keep(self, found: Path, value: str) -> Path:
        place = self._place(value)
        place.parent.mkdir(parents=True, exist_ok=True)
        self._make_room(place.parent, found.stat().st_size)
        with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".part-", delete=False) as part:
            copy = Path(part.name)
        try:
            shutil.copyfile(found, copy)
            copy.chmod(0o444)
            same = digest.of_file(copy)[0] == value
            if same:
                copy.replace(place)
        finally:
            copy.unlink(missing_ok=True)
        if not same:
            raise UndecidableError(f"{found.name} changed while it was copied")
        return place

    def _place(self, value: str) -> Path:
        return self._where() / value.removeprefix("sha256:")

    def _make_room(self, folder: Path, size: int) -> None:
        files = sorted((f for f in folder.iterdir() if f.is_file()), key=lambda f: f.stat().st_mtime, reverse=True)
        kept = size
        for file in files:
            kept += file.stat().st_size
            if kept > self._most and file not in self._hashed.values():
                file.unlink(missing_ok=True)
        if shutil.disk_usage(folder).free < size:
            raise UndecidableError(f"an input of {size} bytes does not fit into {folder}")
