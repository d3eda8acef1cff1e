"""Grades in processes of this machine, each of which may die of a run without taking anything else with it.

A run that ends its process twice, or twice does not come to an end, is quarantined: reported, and left alone.
"""

from __future__ import annotations

import contextlib
import gc
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkContext, SpawnContext
from multiprocessing.process import BaseProcess
from typing import Protocol

from auditor.gate.many import may_fork
from auditor.history.examine import Answer, Unread
from auditor.history.found import Version

TRIES = 2
"""How often a run may end the process that grades it."""

PATIENCE = 600.0
"""Seconds that one run may take before its process is ended."""

_STARTING = 120.0
"""Seconds that a process may take before it is ready: that is no run's fault."""

MEMORY = 8 << 30
"""Bytes of address space of one process: a run that needs more is poison, not a reason to stop the machine."""

Batch = tuple[Version, ...]


class Grader(Protocol):
    """Grades versions; what a process of its own holds."""

    def grade(self, version: Version) -> Answer:
        """What is found about one version."""

    def close(self) -> None:
        """End what was opened."""


Furnish = Callable[[], Grader]
"""Makes a grader. It is sent to other processes, so it can be pickled."""


class Executor(Protocol):
    """Has versions graded somewhere."""

    def answers(self, batches: Iterable[Batch]) -> Iterator[list[Answer]]:
        """One answer for each version, in any order, in bounded lists. ``batches`` is read as fast as it is worked at."""

    def close(self) -> None:
        """End all that was started."""


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    todo: deque[Version] = field(default_factory=deque)
    heard: float = 0.0
    ready: bool = False


class Local:
    """Processes of this machine; ``patience`` is in seconds."""

    def __init__(self, furnish: Furnish, processes: int, *, patience: float = PATIENCE) -> None:
        self._furnish = furnish
        self._processes = processes
        self._patience = patience
        self._context: ForkContext | SpawnContext = get_context("fork") if may_fork() else get_context("spawn")
        self._workers: list[_Worker] = []
        self._tries: Counter[Version] = Counter()

    def answers(self, batches: Iterable[Batch]) -> Iterator[list[Answer]]:
        """See :class:`Executor`."""
        source, again = iter(batches), deque[Batch]()
        while True:
            for number in range(self._processes):
                worker = self._workers[number] if number < len(self._workers) else None
                if worker is not None and worker.todo:
                    continue
                batch = again.popleft() if again else next(source, None)
                if batch is None:
                    break
                if worker is None:
                    worker = self._start()
                    self._workers.append(worker)
                self._send(worker, batch)
            busy = [worker for worker in self._workers if worker.todo]
            if not busy:
                return
            ready = wait([worker.pipe for worker in busy], timeout=1.0)
            for worker in busy:
                if worker.pipe in ready:
                    yield from self._received(worker, again)
                elif time.monotonic() - worker.heard > (self._patience if worker.ready else _STARTING):
                    yield from self._lost(worker, again, f"it did not come to an end within {self._patience:g} s")

    def close(self) -> None:
        """End all processes."""
        for worker in self._workers:
            with contextlib.suppress(OSError, ValueError):
                worker.pipe.send(None)
        for worker in self._workers:
            worker.process.join(5)
            _end(worker)
        self._workers.clear()

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        # A forked process inherits our ends of all pipes. It closes them, or none would see the other side of its own end.
        inherited = [ours, *(worker.pipe for worker in self._workers)] if self._context.get_start_method() == "fork" else []
        process = self._context.Process(target=_work, args=(theirs, self._furnish, inherited), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def _send(self, worker: _Worker, batch: Batch) -> None:
        worker.todo.extend(batch)
        worker.heard = time.monotonic()
        with contextlib.suppress(OSError):  # it ended between two batches; reading from it says so
            worker.pipe.send(batch)

    def _received(self, worker: _Worker, again: deque[Batch]) -> Iterator[list[Answer]]:
        answers: list[Answer] = []
        try:
            while worker.todo and worker.pipe.poll():
                answer = worker.pipe.recv()
                worker.heard = time.monotonic()
                if answer is None:
                    worker.ready = True
                    continue
                answers.append(answer)
                worker.todo.popleft()
        except (EOFError, OSError):
            worker.process.join(5)
            yield answers
            yield from self._lost(worker, again, f"it ended the process that graded it{_how(worker.process.exitcode)}")
        else:
            yield answers

    def _lost(self, worker: _Worker, again: deque[Batch], why: str) -> Iterator[list[Answer]]:
        """Start another process in place of one that is gone; what it was at is tried once more, alone."""
        _end(worker)
        self._workers.remove(worker)
        poison, *rest = worker.todo
        self._tries[poison] += 1
        if rest:
            again.append(tuple(rest))
        if self._tries[poison] < TRIES:
            again.append((poison,))
        else:
            yield [Unread(version=poison, reason=f"quarantined after {TRIES} tries: {why}", quarantined=True)]


def _how(code: int | None) -> str:
    if code is None or code >= 0:
        return "" if code is None else f" (exit {code})"
    with contextlib.suppress(ValueError):
        return f" ({signal.Signals(-code).name})"
    return f" (signal {-code})"


def _end(worker: _Worker) -> None:
    worker.pipe.close()
    if worker.process.is_alive():
        worker.process.kill()
    worker.process.join()


def _work(pipe: Connection, furnish: Furnish, inherited: list[Connection]) -> None:
    """Say None when ready, then answer every version that comes, until None comes or nobody is there any more."""
    for other in inherited:
        other.close()
    # Whoever interrupts the command ends this process by closing its pipe; it says nothing of its own.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _bound_memory()
    grader = furnish()
    gc.collect()
    gc.freeze()
    try:
        pipe.send(None)
        while (batch := pipe.recv()) is not None:
            # Documents are trees, gone when they are no longer named; looking for cycles in them takes a third of the time.
            gc.disable()
            for version in batch:
                pipe.send(grader.grade(version))
            gc.enable()
            gc.collect()
    except (EOFError, OSError):
        return
    finally:
        grader.close()


def _bound_memory() -> None:
    try:
        import resource  # noqa: PLC0415  (not everywhere)

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        bound = MEMORY if most == resource.RLIM_INFINITY else min(MEMORY, most)
        resource.setrlimit(resource.RLIMIT_AS, (bound, most))
    except (ImportError, ValueError, OSError):
        return
