"""Keeps executions until a whole gate is closed, so that two policies judge what was executed once.

What a policy says about tolerances decides how an execution is judged, and never how it is made. An execution that only the
second policy asks for is made then.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from auditor.model.run import Executor, Run
from auditor.model.words import Isolation
from auditor.reproduce.attempt import Attempt, Bench
from auditor.reproduce.bundle.nouns import Variation
from auditor.reproduce.configure import Changes
from auditor.reproduce.trial import Trial


class Kept:
    """The benches of one gate by what makes their executions the same; closing it removes every workspace."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._labs: dict[Hashable, KeptLab] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._labs.clear()
        self._stack.close()

    def lab(self, key: Hashable, make: Callable[[], Bench]) -> KeptLab:
        """The lab known by ``key``, made where there is none yet.

        Raises:
            AuditorError: it cannot be made.
        """
        if key not in self._labs:
            self._labs[key] = KeptLab(self._stack.enter_context(make()))
        return self._labs[key]


class KeptLab:
    """A bench whose attempts outlive the question that they were made for; see :class:`~auditor.reproduce.trial.Lab`."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._made: dict[bytes, Attempt] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Remove nothing: somebody may ask again."""

    @property
    def run_record(self) -> Run:
        """The recorded run."""
        return self._bench.run_record

    @property
    def isolation(self) -> Isolation:
        """What stands between the command and this machine."""
        return self._bench.isolation

    @property
    def environment(self) -> str:
        """Where interpreter and libraries come from."""
        return self._bench.environment

    def prepare(  # noqa: PLR0913  (each is a variation of its own)
        self,
        changes: Changes | None = None,
        *,
        kept: float | None = None,
        shifted: frozenset[str] = frozenset(),
        repeat: int = 0,
        altered: bool = False,
        nudged: str = "",
    ) -> Attempt:
        """The attempt with this variation, which may have been run already."""
        variation = Variation.of(changes, kept=kept, shifted=shifted, repeat=repeat, altered=altered, nudged=nudged)
        key = variation.key
        if key not in self._made:
            self._made[key] = self._bench.prepare(
                changes, kept=kept, shifted=shifted, repeat=repeat, altered=altered, nudged=nudged
            )
        return self._made[key]

    def run(self, *trials: Trial) -> None:
        """Run those of ``trials`` that were not run yet."""
        new = [trial for trial in trials if isinstance(trial, Attempt) and not trial.was_run]
        if new:
            self._bench.run(*new)

    def executor(self) -> Executor | None:
        """What this machine is under the recorded numeric variables."""
        return self._bench.executor()
