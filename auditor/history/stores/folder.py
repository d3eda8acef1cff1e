"""Manifests below a folder of this machine that is in no git repository."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from auditor.history.found import Listing, ListingError, UnreadError, Version
from auditor.manifest.limits import DEFAULT

SUFFIXES = (".run.yaml", ".run.json")


class FolderStore:
    """Every ``*.run.yaml`` and ``*.run.json`` below ``root``; links are not followed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def name(self) -> str:
        """The folder's URL."""
        return self.root.as_uri()

    def since(self, state: str | None) -> Listing:  # noqa: ARG002  (a folder does not know what came when)
        """Always all of it."""
        return Listing()

    def versions(self, state: str | None) -> Iterator[Version]:  # noqa: ARG002  (the same)
        """Every manifest, folder by folder, by name."""
        waiting = [self.root]
        while waiting:
            folder = waiting.pop()
            try:
                inside = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except FileNotFoundError:
                continue  # removed while we looked elsewhere
            except OSError as error:
                raise ListingError(f"{folder} cannot be listed: {error.strerror}") from None
            waiting += [Path(entry.path) for entry in reversed(inside) if entry.is_dir(follow_symlinks=False)]
            for entry in inside:
                if entry.name.endswith(SUFFIXES) and entry.is_file(follow_symlinks=False):
                    yield self._version(entry)

    def read(self, version: Version) -> bytes:
        """The file's bytes."""
        return regular_bytes(self.root / version.path)

    def close(self) -> None:
        """Nothing is kept open."""

    def _version(self, entry: os.DirEntry[str]) -> Version:
        path = Path(entry.path).relative_to(self.root).as_posix()
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:  # gone since it was listed: reading says so
            return Version(store=self.name, path=path, mark="gone")
        return Version(store=self.name, path=path, mark=mark_of(status), at=int(status.st_mtime))


def mark_of(status: os.stat_result) -> str:
    """What of a file's status changes when its bytes do."""
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}-{status.st_ino}"


def regular_bytes(path: Path) -> bytes:
    """The bytes of a regular file of bounded size.

    Raises:
        UnreadError: there is none, or it cannot be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | os.O_NOFOLLOW)
        with os.fdopen(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise UnreadError("it is no regular file")
            # One byte more than is read of a manifest at all: the reader says what is too large.
            return stream.read(DEFAULT.size + 1)
    except OSError as error:
        raise UnreadError(error.strerror or str(error)) from None
