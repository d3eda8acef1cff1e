"""Lets a judge look at the executions of a bundle as if they had been made here; nothing is executed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from auditor.environment.executor import classify
from auditor.errors import UndecidableError
from auditor.model.run import DataSource, Executor, Reproduction, Run
from auditor.model.words import Isolation
from auditor.reproduce import configure
from auditor.reproduce.bundle.nouns import Executed, Variation, Words
from auditor.reproduce.bundle.opened import Opened
from auditor.reproduce.configure import Changes
from auditor.reproduce.request import Request
from auditor.reproduce.sandbox.job import Execution
from auditor.reproduce.trial import Seeding, Trial, seedings_in
from auditor.reproduce.workspace import Made
from auditor.store.trees import digest_of


class Replayed:
    """One execution that the bundle tells of. ``base`` is a folder of its own, which holds copies of what it left."""

    def __init__(self, told: Executed, bundle: Opened, request: Request, base: Path) -> None:
        self._told = told
        self._bundle = bundle
        self._request = request
        self._outputs = {output.path: output for output in told.outputs}
        self._absent = {gone.path: gone for gone in told.absent}
        self.notes: list[str] = []
        self.work, self.room = base / "work", base / "judged"
        self.work.mkdir()

    @property
    def execution(self) -> Execution:
        """How the command ended, as the bundle says."""
        told, words = self._told, self._told.words or Words()
        return Execution(
            exit=1 if told.exit is None else told.exit,
            timed_out=told.timed_out,
            seconds=told.seconds,
            stdout_tail=words.stdout,
            stderr_tail=words.stderr,
            isolation=told.isolation,
        )

    @property
    def inputs(self) -> Sequence[DataSource]:
        """What the record says that the command was given."""
        return self._request.run.data

    def made(self, path: str) -> Made:
        """The output ``path``, hashed again on the way out of the bundle.

        Raises:
            UndecidableError: the bundle does not hold what it speaks of.
        """
        path = PurePosixPath(path).as_posix()
        if path in self._absent:
            gone = self._absent[path]
            return Made(reason=gone.reason, refused=gone.refused)
        below = [name for name in self._outputs if name.startswith(f"{path}/")]
        if path not in self._outputs and not below:
            return Made(reason=f"{path} was not written")
        for name in below or [path]:
            self._put(name)
        return Made(path=self.work / path)

    def digest(self, path: str) -> str | None:
        """Digest of an output that the command created, a folder's as ``format: tree``; None for nothing."""
        place = self.made(path).path
        return None if place is None else digest_of(place)

    def input(self, source: DataSource) -> Path | None:
        """The input with the recorded digest, as this machine knows it: the bundle has no say in it."""
        return self._request.fetch(source) if source.digest else None

    def seedings(self) -> frozenset[Seeding]:
        """The explicit seeds that the probe wrote down there."""
        return frozenset() if self._told.seedings is None else seedings_in(self._bundle.file(self._told.seedings))

    def _put(self, name: str) -> None:
        place = self.work / name
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(self._bundle.file(self._outputs[name].digest), place)


class ReplayLab:
    """The executions of one reproduction in a bundle."""

    def __init__(self, request: Request, reproduction: Reproduction, bundle: Opened) -> None:
        self._request = request
        self._reproduction = reproduction
        self._bundle = bundle
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()

    @property
    def run_record(self) -> Run:
        """The recorded run."""
        return self._request.run

    @property
    def isolation(self) -> Isolation:
        """What stood between the command and the machine, as the bundle says."""
        return self._first.isolation

    @property
    def environment(self) -> str:
        """Where interpreter and libraries came from, as the bundle says."""
        return self._first.environment

    def prepare(  # noqa: PLR0913  (each is a variation of its own)
        self,
        changes: Changes | None = None,
        *,
        kept: float | None = None,
        shifted: frozenset[str] = frozenset(),
        repeat: int = 0,
        altered: bool = False,
        nudged: str = "",
    ) -> Replayed:
        """The execution with this variation; see :class:`~auditor.reproduce.trial.Lab`.

        Raises:
            UndecidableError: the bundle does not tell of it, or of another command, or of one that was not isolated enough.
        """
        told = self._find(Variation.of(changes, kept=kept, shifted=shifted, repeat=repeat, altered=altered, nudged=nudged))
        command = self._reproduction.command or (self.run_record.code.entrypoint if self.run_record.code else ())
        if told.argv != configure.words(changes or Changes(), command):
            raise UndecidableError(f"the evidence of {self._reproduction.name!r} is that of another command")
        base = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="replay-", dir=self._bundle.room)))
        return Replayed(told, self._bundle, self._request, base)

    def run(self, *trials: Trial) -> None:
        """They have come to their end."""

    def executor(self) -> Executor | None:
        """The executor on which the command ran, as far as what the bundle says of it fits together."""
        found = classify(self._first.features)
        return found if found.class_ == self._first.executor else None

    @cached_property
    def _first(self) -> Executed:
        request, each = self._request, self._reproduction
        known = self._bundle.variations(request.digest or "", each.name, each.tier, request.commit)
        # Of a beginning there is no execution that changes nothing: each was told how many steps to do.
        return self._find(known[0] if known and Variation() not in known else Variation())

    def _find(self, variation: Variation) -> Executed:
        request, each = self._request, self._reproduction
        told = self._bundle.find(request.digest or "", each.name, each.tier, request.commit, variation)
        allowed = {*request.isolation, *((Isolation.NONE,) if request.allow_none else ())}
        if told.isolation not in allowed:
            raise UndecidableError(f"it was executed with isolation {told.isolation}, which is not accepted here")
        if (source := told.environment.partition(" ")[0]) not in request.environment.sources:
            raise UndecidableError(f"it was executed in an environment ({source or 'unnamed'}) that is not accepted here")
        return told
