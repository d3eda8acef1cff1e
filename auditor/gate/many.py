"""Audits many manifests: one after the other, or side by side in processes of their own when there are many.

The order is that of the paths, whoever was faster. Nothing is kept of a manifest but its report, and what reports have in
common they share, so that memory grows by little more than their names.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.errors import AuditorError, UndecidableError
from auditor.gate.audit import Bench
from auditor.gate.subject import from_file
from auditor.model.finding import Result
from auditor.model.report import RunReport
from auditor.store.hashing import usable_cores

if TYPE_CHECKING:
    from concurrent.futures import Executor

MANY = 50
"""From so many manifests on, starting processes takes less time than it saves."""

_CHUNK = 25

Furnish = Callable[[], Bench]
"""Makes the bench that a process works at. It is sent to other processes, so it can be pickled."""


def audits(bench: Bench, furnish: Furnish, paths: Sequence[str], *, processes: int | None = None) -> tuple[RunReport, ...]:
    """The report of each manifest in ``paths``, which are relative to the bench's root.

    ``processes`` is how many are used for many manifests; None for as many as there are usable cores.

    Raises:
        UndecidableError: a process ended before it had answered.
    """
    shared = _Shared()
    wanted = usable_cores() if processes is None else processes
    if len(paths) <= MANY or wanted < 2:
        return tuple(shared.report(bench.audit(from_file(bench.root, path))[0]) for path in paths)
    chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
    return tuple(shared.report(report) for answer in _side_by_side(furnish, chunks, wanted) for report in answer)


class _Shared:
    """Keeps one copy of what many reports say alike: that a check passed, or why it does not apply."""

    def __init__(self) -> None:
        self._results: dict[Result, Result] = {}
        self._all: dict[tuple[Result, ...], tuple[Result, ...]] = {}

    def report(self, report: RunReport) -> RunReport:
        """``report`` with its results shared, where all of them are without findings."""
        if any(result.findings for result in report.results):
            return report
        results = tuple(self._results.setdefault(result, result) for result in report.results)
        return RunReport(
            manifest=report.manifest,
            digest=report.digest,
            identity=report.identity,
            id=report.id,
            results=self._all.setdefault(results, results),
            reproductions=report.reproductions,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failed:
    """What kept a process from answering, in words; errors themselves do not survive being sent."""

    message: str
    hint: str | None


def _side_by_side(furnish: Furnish, chunks: Iterable[Sequence[str]], processes: int) -> Iterator[list[RunReport]]:
    from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor  # noqa: PLC0415  (slow to import)
    from multiprocessing import get_context  # noqa: PLC0415  (the same)

    context = get_context("fork" if may_fork() else "spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(furnish,))
    with _ended(pool):
        try:
            for answer in pool.map(_audit, chunks):
                if isinstance(answer, _Failed):
                    raise UndecidableError(answer.message, hint=answer.hint)
                yield answer
        except BrokenProcessPool:
            raise UndecidableError(
                "a process that checked manifests ended before it had answered (memory may have run out)",
                hint="check fewer manifests at a time to find the one",
            ) from None


@contextmanager
def _ended(pool: Executor) -> Iterator[None]:
    """Sees to it that no process outlives the question: who interrupts us does not want to wait for answers."""
    from multiprocessing import active_children  # noqa: PLC0415  (the same)

    others = set(active_children())
    try:
        yield
    except BaseException:
        for process in set(active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def may_fork() -> bool:
    """Whether a copy of this process would be whole: forking copies one thread, and the locks that others hold."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208  (a count, not paths)
    except OSError:
        return False


_benches: list[Bench] = []
"""The bench of this process, in one that was started to audit."""


def _begin(furnish: Furnish) -> None:
    # Whoever interrupts the command ends this process, too, without words.
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_DFL)
    _benches[:] = [furnish()]
    gc.collect()
    gc.freeze()


def _audit(paths: Sequence[str]) -> list[RunReport] | _Failed:
    bench, shared = _benches[0], _Shared()
    # Documents are trees, gone when they are no longer named; looking for cycles in them takes a third of the time.
    gc.disable()
    try:
        return [shared.report(bench.audit(from_file(bench.root, path))[0]) for path in paths]
    except AuditorError as error:
        return _Failed(message=error.message, hint=error.hint)
    finally:
        gc.enable()
        gc.collect()
        bench.hashing.close()
