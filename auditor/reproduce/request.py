"""What a reproduction is asked and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from auditor.git import Repository
from auditor.model.band import Calibration
from auditor.model.comparison import ReproductionResult
from auditor.model.policy import Environments, Tolerances
from auditor.model.run import Artifact, DataSource, FileRef, Lock, Run
from auditor.model.words import Isolation, Tier
from auditor.reproduce.liveness import Liveness

if TYPE_CHECKING:
    from auditor.reproduce.bundle.opened import Opened
    from auditor.reproduce.bundle.recording import Recording
    from auditor.reproduce.kept import Kept
    from auditor.reproduce.segments.request import Challenge

Fetch = Callable[[DataSource | Artifact | FileRef | Lock], Path | None]
"""Finds a claim's bytes by its digest: a regular file that has been hashed, or None."""


def _nowhere(_: DataSource | Artifact | FileRef | Lock) -> Path | None:
    return None


def _silent(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which reproductions of which run to execute, and how.

    Attributes:
        commit: the files of this commit fill the workspace; usually the recorded one.
        isolation: in order of preference; ``allow_none`` permits a plain process where none of them works.
        manifest_patterns: further files that the command must not see (``**/*.run.yaml`` and the like are known).
        bands: what the policy's files of bands teach; those of this pair of machines count.
        unknown_pair: how machines that no band is about are judged where they differ.
        budget: seconds for everything, None for no limit but those of the reproductions.
        liveness: whether seeds are exercised, too.
        stage: the one to execute alone, all when None.
        steps: how many to execute of a run's beginning.
        manifest, digest: where the run's manifest lies, and its canonical digest, by which bands and evidence know it.
        recording: takes over what executions leave.
        evidence: tells of executions that were made elsewhere; then none is made here.
        kept: holds executions for whoever judges them by another policy.
        challenge: which segments the tier ``segment`` replays; the default one where it is None.
    """

    run: Run
    repository: Repository
    commit: str
    tiers: Sequence[Tier] = (Tier.SMOKE,)
    isolation: Sequence[Isolation] = (Isolation.BWRAP, Isolation.CONTAINER)
    allow_none: bool = False
    tolerances: Tolerances = field(default_factory=Tolerances)
    bands: Sequence[Calibration] = ()
    unknown_pair: Literal["default-table", "inconclusive"] = "default-table"
    environment: Environments = field(default_factory=Environments)
    fetch: Fetch = _nowhere
    manifest_patterns: Sequence[str] = ()
    budget: float | None = None
    liveness: bool = True
    stage: str | None = None
    steps: int | None = None
    manifest: str = ""
    digest: str | None = None
    recording: Recording | None = None
    evidence: Opened | None = None
    kept: Kept | None = None
    progress: Callable[[str], None] = _silent
    challenge: Challenge | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduced:
    """The answers.

    Attributes:
        isolation: what the commands ran in, ``none`` also when nothing ran.
        computed: names of the metrics that we computed ourselves from predictions of a re-execution.
        answering: the stage that each of the results speaks for, by the result's name.
        notes: short sentences for people.
    """

    results: tuple[ReproductionResult, ...] = ()
    liveness: Liveness | None = None
    isolation: Isolation = Isolation.NONE
    computed: frozenset[str] = frozenset()
    answering: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
