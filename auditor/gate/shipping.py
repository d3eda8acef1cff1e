"""What is about to ship: each file opened once, hashed from that one opening, and handed on from it.

Hashing a path and then copying the path would leave a moment in between for other bytes. So what is hashed is what is
copied, and where nothing is copied, a file that changed since is found out.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from auditor.digest import of_tree
from auditor.errors import EmptySelectionError, RefusedError, UsageError
from auditor.record.data import tree_files
from auditor.store.cache import Status

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashed:
    """One file as it was read, or a folder of them (``parts``), which has the digest of a tree.

    ``copy`` holds the very bytes that were hashed, where they are to be handed on; ``name`` is where, below a directory.
    """

    path: Path
    name: str
    digest: str
    size: int
    status: Status
    copy: Path | None
    parts: tuple[Hashed, ...] = ()

    @property
    def files(self) -> tuple[Hashed, ...]:
        """The file itself, or those in the folder."""
        return self.parts or (self,)


class Shipment:
    """Hashes files in the background from the moment it is made; close it, or use it as a context manager.

    ``files`` are files and folders to ship, by the name under which each is handed on. ``to`` is a directory that the
    verified bytes are put into once the gate is open; None hands on nothing but digests.
    """

    def __init__(self, files: Sequence[tuple[str, Path]], to: Path | None) -> None:
        self._to = to
        if to is not None:
            _prepare(to, [name for name, _ in files])
        self._pool = ThreadPoolExecutor(max_workers=2)
        self._folders = {index: _listed(path) for index, (_, path) in enumerate(files) if path.is_dir()}
        self._given = tuple(files)
        self._running: list[list[Future[Hashed]]] = [
            [self._pool.submit(_read, inner, below, to) for inner, below in self._inside(index, name, path)]
            for index, (name, path) in enumerate(files)
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def hashed(self) -> tuple[Hashed, ...]:
        """Every file with its digest.

        Raises:
            EmptySelectionError: one cannot be read. UsageError: one is no regular file.
        """
        return tuple(
            self._folder(index, parts) if index in self._folders else parts[0]
            for index, parts in enumerate(tuple(one.result() for one in futures) for futures in self._running)
        )

    def _inside(self, index: int, name: str, path: Path) -> list[tuple[str, Path]]:
        if index not in self._folders:
            return [(name, path)]
        return [(f"{name}/{relative}", path / relative) for relative in self._folders[index]]

    def _folder(self, index: int, parts: tuple[Hashed, ...]) -> Hashed:
        name, path = self._given[index]
        rows = [(relative, one.size, one.digest) for relative, one in zip(self._folders[index], parts, strict=True)]
        total = sum(one.size for one in parts)
        status = Status.of(path.stat())
        return Hashed(path=path, name=name, digest=of_tree(rows), size=total, status=status, copy=None, parts=parts)

    def confirm(self) -> None:
        """Make sure that the paths still hold what was hashed, where they and no copies are what ships.

        Raises:
            RefusedError: one was swapped or written to since.
        """
        for index, listed in self._folders.items():
            if self._to is None and _listed(self._given[index][1]) != listed:
                raise RefusedError(
                    f"{self._given[index][1]} holds other files than those that were hashed", hint="hand it on with --to DIR"
                )
        for one in self._files():
            try:
                now = Status.of(one.path.stat())
            except OSError:
                now = None
            if one.copy is None and now != one.status:
                raise RefusedError(
                    f"{one.path} was changed between hashing and hand-over",
                    hint="hand it on with --to DIR",
                )

    def hand_over(self) -> list[Path]:
        """Put the bytes that were hashed where they were asked for, read-only; their paths.

        Raises:
            RefusedError: something lies in the way that was not there before.
        """
        placed = []
        for one in self._files():
            if one.copy is not None and self._to is not None:
                target = self._to / one.name
                target.parent.mkdir(parents=True, exist_ok=True)
                one.copy.chmod(0o444)
                try:
                    os.link(one.copy, target)  # a rename would replace what somebody put there meanwhile
                except FileExistsError:
                    raise RefusedError(f"somebody put {target} in the way", hint="hand on into an empty directory") from None
                one.copy.unlink()
                placed.append(target)
        return placed

    def close(self) -> None:
        """Stop, and remove what was not handed over."""
        self._pool.shutdown(cancel_futures=True)
        for future in (one for futures in self._running for one in futures):
            if not future.cancelled() and future.exception() is None and (copy := future.result().copy) is not None:
                copy.unlink(missing_ok=True)

    def _files(self) -> list[Hashed]:
        return [inner for one in self.hashed() for inner in one.files]


def _listed(folder: Path) -> list[str]:
    try:
        found = [relative for relative, _ in tree_files(folder, name=str(folder))]
    except OSError as error:
        raise EmptySelectionError(f"{folder} cannot be read: {error.strerror}") from None
    if not found:
        raise EmptySelectionError(f"there is no file in {folder}")
    return found


def _prepare(to: Path, names: Sequence[str]) -> None:
    if len(set(names)) != len(names):
        raise UsageError("two files of the same name cannot be handed on into one directory", hint="use two calls")
    to.mkdir(parents=True, exist_ok=True)
    for name in names:
        if os.path.lexists(to / name):
            raise UsageError(f"{to / name} exists already", hint="hand on into an empty directory")


def _read(name: str, path: Path, to: Path | None) -> Hashed:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise UsageError(f"{path} is no regular file", hint="name a file, or a folder of files")
            return _hashed(name, path, handle, to)
        finally:
            os.close(handle)
    except OSError as error:
        raise EmptySelectionError(f"{path} cannot be read or copied: {error.strerror}") from None


def _hashed(name: str, path: Path, handle: int, to: Path | None) -> Hashed:
    state, size = hashlib.sha256(), 0
    copy = None if to is None else tempfile.NamedTemporaryFile(dir=to, prefix=".unverified-", delete=False)  # noqa: SIM115
    try:
        while block := os.read(handle, _BLOCK):
            state.update(block)
            size += len(block)
            if copy is not None:
                copy.write(block)
    except BaseException:
        if copy is not None:
            Path(copy.name).unlink(missing_ok=True)
        raise
    finally:
        if copy is not None:
            copy.close()
    return Hashed(
        path=path,
        name=name,
        digest=f"sha256:{state.hexdigest()}",
        size=size,
        status=Status.of(os.fstat(handle)),
        copy=Path(copy.name) if copy is not None else None,
    )
