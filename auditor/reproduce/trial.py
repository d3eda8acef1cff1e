"""One execution of a recorded command, as it is looked at: made here a moment ago, or told by an evidence bundle.

Whoever judges works with these protocols alone, so that a bundle is compared by the very code that compares an execution.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from auditor.model.run import DataSource, Executor, Run
from auditor.model.words import Isolation
from auditor.reproduce.configure import Changes
from auditor.reproduce.sandbox.job import Execution
from auditor.reproduce.workspace import Made

_NOTES_LIMIT = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Seeding:
    """One explicit seed that the program handed to a random generator.

    ``at`` is ``file:line`` of its caller in the workspace; ``splits`` tells that it only cuts training from test rows.
    """

    call: str
    seed: str
    at: str = ""
    splits: bool = False

    @property
    def key(self) -> str:
        """What the probe knows it by."""
        return f"{self.call}={self.seed}"


class Trial(Protocol):
    """One execution and what it left. Its files live until the lab that prepared it is closed."""

    @property
    def execution(self) -> Execution:
        """How the command ended."""
        ...

    @property
    def notes(self) -> list[str]:
        """What of its world differed from the record, in words."""
        ...

    @property
    def work(self) -> Path:
        """The command's folder, or one that stands for it."""
        ...

    @property
    def room(self) -> Path:
        """A folder in which whoever judges may put files."""
        ...

    def made(self, path: str) -> Made:
        """The declared output ``path``, when the command created it."""
        ...

    def digest(self, path: str) -> str | None:
        """Digest of an output that the command created, a folder's as ``format: tree``; None for nothing."""
        ...

    @property
    def inputs(self) -> Sequence[DataSource]:
        """What the command was given to read."""
        ...

    def input(self, source: DataSource) -> Path | None:
        """The file behind one of the inputs, on this machine."""
        ...

    def seedings(self) -> frozenset[Seeding]:
        """The explicit seeds that the probe wrote down."""
        ...


class Lab(Protocol):
    """Where the trials of one reproduction come from. Closing it removes whatever they left."""

    def __enter__(self) -> Self:
        """Open it."""
        ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Remove whatever the trials left."""
        ...

    @property
    def run_record(self) -> Run:
        """The recorded run."""
        ...

    @property
    def isolation(self) -> Isolation:
        """What stands, or stood, between the command and the machine."""
        ...

    @property
    def environment(self) -> str:
        """Where interpreter and libraries come from, or came from: ``lock sha256:…``, ``current``."""
        ...

    def prepare(  # noqa: PLR0913  (each is a variation of its own)
        self,
        changes: Changes | None = None,
        *,
        kept: float | None = None,
        shifted: frozenset[str] = frozenset(),
        repeat: int = 0,
        altered: bool = False,
        nudged: str = "",
    ) -> Trial:
        """A trial that is ready to run.

        Args:
            changes: beside the reproduction's scale.
            kept: the share of training rows to keep, all when None.
            shifted: keys of explicit seeds to hand on plus one.
            repeat: counts the executions that change nothing, from 0.
            altered: whether to put other weights in the place of those that are evaluated.
            nudged: precision and number (``float64/1``) of the noise twin whose training data are moved by their last bit.

        Raises:
            AuditorError: there is none to be had; the reason is in the message.
        """
        ...

    def run(self, *trials: Trial) -> None:
        """Let ``trials`` come to their end.

        Raises:
            UndecidableError: they cannot be executed.
        """
        ...

    def executor(self) -> Executor | None:
        """The executor on which the command runs, or ran; None where it cannot be told."""
        ...


def seedings_in(place: Path) -> frozenset[Seeding]:
    """What the probe wrote to ``place``; empty when it could not, or when the command spoilt its notes."""
    try:
        if not stat.S_ISREG(place.lstat().st_mode):
            return frozenset()
        with place.open("rb") as stream:
            lines = stream.read(_NOTES_LIMIT).decode(errors="replace").splitlines()
    except OSError:
        return frozenset()
    found = set()
    for line in lines:
        try:
            entry = json.loads(line)
            found.add(
                Seeding(
                    call=str(entry["call"]), seed=str(entry["seed"]), at=str(entry["at"]), splits=entry["splits"] is True
                )
            )
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
    return frozenset(found)
