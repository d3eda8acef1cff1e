"""Digests of files: several at a time on all cores, and not read again while they are known to be what they were."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from auditor import digest
from auditor.store.cache import DigestCache, Status

Hashed = tuple[str, int]
"""A digest, and how many bytes it is of."""

SIDE_BY_SIDE = 4 << 20
"""Files of at least so many bytes are worth a thread of their own."""

_WORTH_KEEPING = 64 << 10
"""Smaller files are hashed in less time than a cache takes to answer."""


def _nothing() -> Sequence[Path]:
    return ()


class Hashing:
    """Hashes files, with what ``cache`` remembers; without one every file is read.

    Close it to let the cache keep what was learnt.
    """

    def __init__(self, cache: DigestCache | None = None) -> None:
        self._cache = cache
        self._ahead: dict[Path, Hashed] = {}

    def of_file(self, path: Path, *, beside: Callable[[], Sequence[Path]] = _nothing) -> Hashed:
        """Digest and size of a regular file. ``beside`` names others that will be asked for next.

        Raises:
            OSError: the file cannot be read.
        """
        if path not in self._ahead:
            if path.stat().st_size < SIDE_BY_SIDE:
                return self._one(path)
            # What lies beside may be gone or closed to us: whoever asks for it is told then.
            others = [other for other in beside() if other != path and _is_large(other)]
            self._ahead |= self._all([path, *others], strict=frozenset({path}))
        return self._ahead.pop(path)

    def of_files(self, paths: Iterable[Path]) -> dict[Path, Hashed]:
        """Digest and size of every regular file in ``paths``.

        Raises:
            OSError: one of them cannot be read.
        """
        paths = list(paths)
        return self._all(paths, strict=frozenset(paths))

    def close(self) -> None:
        """Let the cache write down what was learnt."""
        if self._cache is not None:
            self._cache.close()

    def _all(self, paths: list[Path], *, strict: frozenset[Path]) -> dict[Path, Hashed]:
        hashed: dict[Path, Hashed] = {}
        unknown = []
        for path in paths:
            known = self._known(path) if self._cache is not None else None
            if known is not None:
                hashed[path] = known
            else:
                unknown.append(path)
        for path, answer in zip(unknown, _side_by_side(unknown), strict=True):
            if isinstance(answer, OSError):
                if path in strict:
                    raise answer
                continue
            hashed[path] = self._learnt(path, *answer)
        return hashed

    def _one(self, path: Path) -> Hashed:
        known = self._known(path) if self._cache is not None else None
        return known or self._learnt(path, *_read(path))

    def _known(self, path: Path) -> Hashed | None:
        assert self._cache is not None  # noqa: S101  (asked by the callers)
        try:
            status = Status.of(path.stat())
        except OSError:
            return None
        value = self._cache.get(path, status) if status.size >= _WORTH_KEEPING else None
        return (value, status.size) if value is not None else None

    def _learnt(self, path: Path, value: str, size: int, status: Status | None, started: int) -> Hashed:
        if self._cache is not None and status is not None and size >= _WORTH_KEEPING:
            self._cache.put(path, status, value, started=started)
        return value, size


_Read = tuple[str, int, Status | None, int]
"""Digest, size, the file's status if that was the same before and after, and when reading began (ns)."""


def _read(path: Path) -> _Read:
    started = time.time_ns()
    with path.open("rb", buffering=0) as stream:
        before = Status.of(os.fstat(stream.fileno()))
        value, size = digest.of_stream(stream)
        after = Status.of(os.fstat(stream.fileno()))
    return value, size, before if before == after and before.size == size else None, started


def _side_by_side(paths: list[Path]) -> list[_Read | OSError]:
    """What reading each of ``paths`` came to, in their order. hashlib lets other threads run while it hashes."""

    def attempt(path: Path) -> _Read | OSError:
        try:
            return _read(path)
        except OSError as error:
            return error

    workers = min(usable_cores(), len(paths))
    if workers < 2:
        return [attempt(path) for path in paths]
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  (only several files need it)

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(attempt, paths))


def _is_large(path: Path) -> bool:
    try:
        status = path.lstat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size >= SIDE_BY_SIDE


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
