"""Prepares experiments on one recorded run: what to execute, on what, and by which rules."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from auditor import __version__
from auditor.errors import UndecidableError, UsageError
from auditor.evidence.claimed import Scratch
from auditor.evidence.unanswered import Inconclusive
from auditor.gate.audit import Bench, Executing, Progress, silent
from auditor.gate.subject import Subject, from_file, select_files
from auditor.git import Repository
from auditor.model.comparison import ReproductionResult
from auditor.model.report import PolicyUsed, Report, RunReport
from auditor.model.run import Reproduction
from auditor.model.words import Exit, Isolation, Tier
from auditor.policy import bands
from auditor.policy.load import BUILT_IN, FILE, LoadedPolicy, load
from auditor.reproduce.request import Request
from auditor.reproduce.rig import Live, live


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which run to experiment on. ``budget`` is in seconds, None for no limit; ``isolation`` None takes the policy's."""

    root: Path
    manifest: str
    isolation: Isolation | None = None
    budget: float | None = None
    progress: Progress = silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """All that an experiment needs."""

    root: Path
    subject: Subject
    request: Request
    rig: Live
    policy: LoadedPolicy

    @property
    def reproduction(self) -> Reproduction:
        """The reproduction to experiment with: the smoke one, or the whole run where none is recorded.

        Raises:
            UndecidableError: the run records no command.
        """
        run = self.request.run
        for each in run.reproductions:
            if each.tier is Tier.SMOKE:
                return each
        if run.code is None or not run.code.entrypoint:
            raise UndecidableError("the run records no command that could be executed")
        return Reproduction(name="full", tier=Tier.FULL, command=run.code.entrypoint)

    def report(self, result: ReproductionResult, *, code: Exit = Exit.OPEN, notes: tuple[str, ...] = ()) -> Report:
        """The report of an experiment: it decides nothing."""
        used = PolicyUsed(
            role="built-in" if self.policy.source == BUILT_IN else "head",
            digest=self.policy.digest,
            ref="working tree",
            verdict=None,
        )
        run = RunReport(
            manifest=self.subject.path,
            digest=self.subject.digest,
            identity="canonical",
            id=self.request.run.run.id,
            reproductions=(result,),
        )
        return Report(
            version=__version__,
            exit=code,
            advisory=True,
            policies=(used,),
            runs=(run,),
            notes=(*self.rig.notes, *notes),
        )


@contextmanager
def experiment(asked: Asked) -> Iterator[Experiment]:
    """The experiment on the run in the working tree that ``asked`` names.

    Raises:
        PolicyError, EmptySelectionError, UsageError, UndecidableError, UnreadableError: there is none; each says why.
    """
    repository = Repository.discover(asked.root)
    scratch = Scratch()
    try:
        root = repository.root
        file = root / FILE
        loaded = load(file.read_bytes() if file.is_file() else None, source=FILE)
        paths = select_files(root, (asked.manifest,), loaded.policy.manifests)
        if len(paths) > 1:
            raise UsageError(f"{asked.manifest} matches {len(paths)} manifests", hint="an experiment is about one run")
        yield _of(asked, root, repository, loaded, scratch, paths[0])
    finally:
        scratch.close()
        repository.close()


def _of(  # noqa: PLR0913, PLR0917  (what was looked up for it)
    asked: Asked, root: Path, repository: Repository, loaded: LoadedPolicy, scratch: Scratch, path: str
) -> Experiment:
    chosen = asked.isolation
    executing = Executing(
        isolation=loaded.policy.gates.merge.isolation if chosen is None else (chosen,),
        allow_none=chosen in {None, Isolation.NONE},
        deadline=None if asked.budget is None else time.monotonic() + asked.budget,
    )
    bench = Bench(
        root=root,
        repository=repository,
        judged=None,
        policy=loaded.policy,
        selection=[],
        executing=executing,
        require={},
        scratch=scratch,
        progress=asked.progress,
        bands=bands.read_in(root, loaded.policy) if loaded.policy.bands else (),
    )
    subject = from_file(root, path)
    if subject.manifest.error is not None:
        raise subject.manifest.error
    try:
        run = subject.manifest.run
        commit = bench.history().source(run)
    except Inconclusive as unanswered:
        raise UndecidableError(unanswered.reason) from None
    if subject.manifest.violations:
        raise UndecidableError("a manifest that its schema refuses is not executed", hint=f"auditor check {path}")
    if commit is None:
        raise UndecidableError("the recorded code is not in this clone", hint="git fetch the commit that the manifest names")
    request = bench.request(subject, run, bench.claimed((*run.data, *run.artifacts)), repository, commit)
    rig = live(request)
    if isinstance(rig, str):
        raise UndecidableError(rig)
    return Experiment(root=root, subject=subject, request=request, rig=rig, policy=loaded)
