"""Grades on a Dask cluster: the same grader, the same answers, read where the worker is.

Workers share nothing but the stores. What they answer is written down by whoever asked, once for each run: a batch whose
worker died is done again by another one, and what was answered before stays answered.
"""

from __future__ import annotations

import secrets
import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from typing import Any

from auditor.errors import UndecidableError
from auditor.history.examine import Answer, Unread
from auditor.history.found import Version
from auditor.history.workers import TRIES, Batch, Furnish, Grader

_AHEAD = 3
"""Batches in flight for each thread of the cluster."""

_CONNECT = 30

_MOST_CANCELLED = 20
"""How often a batch may be taken from us (a scheduler that was restarted) before we give up."""


class Cluster:
    """The cluster whose scheduler is at ``address``."""

    def __init__(self, furnish: Furnish, address: str) -> None:
        try:
            from distributed import Client  # noqa: PLC0415  (optional, and slow to import)
        except ImportError:
            raise UndecidableError(
                "the executor dask needs a library that is not installed", hint="pip install 'ml-run-auditor[dask]'"
            ) from None
        try:
            self._client = Client(address, timeout=_CONNECT, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, TimeoutError, ValueError) as error:
            raise UndecidableError(
                f"no Dask scheduler answers at {address}: {error}", hint="start one: dask scheduler; dask worker ADDRESS"
            ) from None
        self._furnish = furnish
        self._token = secrets.token_hex(8)
        self._tries: Counter[Version] = Counter()

    def answers(self, batches: Iterable[Batch]) -> Iterator[list[Answer]]:
        """See :class:`~auditor.history.workers.Executor`."""
        from distributed import as_completed  # noqa: PLC0415  (the same)

        source, again = iter(batches), deque[Batch]()
        flying: dict[Any, Batch] = {}
        done = as_completed(loop=self._client.loop)  # type: ignore[no-untyped-call]
        while True:
            while len(flying) < self._room() and (batch := again.popleft() if again else next(source, None)) is not None:
                future = self._client.submit(examine, self._token, self._furnish, batch, pure=False, retries=0)
                flying[future] = batch
                done.add(future)  # type: ignore[no-untyped-call]
            if not flying:
                return
            future = next(done)
            batch = flying.pop(future)
            if future.status == "finished":
                yield future.result()
            else:
                yield self._failed(future, batch, again)

    def close(self) -> None:
        """Say good-bye; the cluster stays."""
        self._client.close()  # type: ignore[no-untyped-call]

    def _room(self) -> int:
        threads = sum(int(worker["nthreads"]) for worker in self._client.scheduler_info(n_workers=-1)["workers"].values())
        return max(1, threads) * _AHEAD

    def _failed(self, future: Any, batch: Batch, again: deque[Batch]) -> list[Answer]:
        """Try each version of a failed batch again, alone; quarantine the one that fails alone again."""
        cancelled = future.status == "cancelled"
        for version in batch:
            self._tries[version] += 1
        if cancelled and all(self._tries[version] < _MOST_CANCELLED for version in batch):
            again.append(batch)
            return []
        if len(batch) > 1:
            again.extend((version,) for version in batch)
            return []
        (version,) = batch
        if self._tries[version] < TRIES:
            again.append(batch)
            return []
        why = f"{type(future.exception()).__name__}" if not cancelled else "the cluster cancelled it"
        return [Unread(version=version, reason=f"quarantined after {TRIES} tries: {why}", quarantined=True)]


_graders: dict[int, tuple[str, Grader]] = {}
"""The grader of each thread of this worker process, with the audit that it is for."""


def examine(token: str, furnish: Furnish, batch: Batch) -> list[Answer]:
    """One answer for each version of ``batch``; executed by a worker of the cluster, with one grader for each audit."""
    thread = threading.get_ident()
    known = _graders.get(thread)
    if known is None or known[0] != token:
        if known is not None:
            known[1].close()
        known = _graders[thread] = (token, furnish())
    return [known[1].grade(version) for version in batch]
