"""Judges the working tree for whoever works in it: nothing is trusted or signed, so every report is advisory."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor import __version__
from auditor.catalogue.checklists import select
from auditor.errors import UndecidableError, UsageError
from auditor.evidence.claimed import Scratch
from auditor.evidence.history import History
from auditor.evidence.unanswered import Inconclusive
from auditor.gate.audit import Bench, Executing, Progress, silent
from auditor.gate.subject import from_file, select_files
from auditor.git import Repository
from auditor.model.report import PolicyUsed, Report
from auditor.model.run import Run
from auditor.model.words import Isolation, Tier
from auditor.policy.judge import exit_of, verdict_of
from auditor.policy.load import BUILT_IN, FILE, LoadedPolicy, duration, load

REPRODUCING = ("schema/", "reproduction/", "randomness/dead-seed", "metrics/")
"""The checks, by beginning of their id, that speak about a reproduction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is asked of the working tree. ``checklist`` None takes the merge gate's."""

    root: Path
    manifests: Sequence[str] = ()
    checklist: str | None = None
    progress: Progress = silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """A reproduction that somebody asks for. ``tiers`` empty takes the merge gate's; ``isolation`` None the policy's."""

    look: Look
    tiers: tuple[Tier, ...] = ()
    isolation: Isolation | None = None


def check(look: Look) -> Report:
    """The report of all static and digest checks; nothing is executed.

    Raises:
        PolicyError, EmptySelectionError, UsageError: nothing could be judged; each says why.
    """
    return _report(look, executing=Executing(tiers=(Tier.DIGESTS, Tier.RECOMPUTE)), only=None)


def reproduce(rehearsal: Rehearsal) -> Report:
    """The report of re-executing one run, with the checks that speak about reproductions.

    Raises:
        PolicyError, EmptySelectionError, UsageError: nothing could be executed; each says why.
    """
    look = rehearsal.look
    gate = _policy(_root(look.root)[0]).policy.gates.merge
    chosen = rehearsal.isolation
    executing = Executing(
        tiers=rehearsal.tiers or gate.tiers,
        isolation=gate.isolation if chosen is None else (chosen,),
        allow_none=chosen in {None, Isolation.NONE},
        deadline=time.monotonic() + duration(gate.budget) if gate.budget else None,
    )
    return _report(look, executing=executing, only=REPRODUCING)


def plan(rehearsal: Rehearsal) -> str:
    """What :func:`reproduce` would execute, in words; nothing is.

    Raises:
        PolicyError, EmptySelectionError, UsageError: nothing could be executed; each says why.
    """
    look = rehearsal.look
    root, repository = _root(look.root)
    policy = _policy(root).policy
    lines = []
    for path in select_files(root, look.manifests, policy.manifests):
        manifest = from_file(root, path).manifest
        if manifest.error is not None:
            raise manifest.error
        try:
            lines += _steps(path, manifest.run, rehearsal.tiers or policy.gates.merge.tiers, repository)
        except Inconclusive as unanswered:
            raise UndecidableError(unanswered.reason) from None
    if repository is not None:
        repository.close()
    return "\n".join(lines)


def _steps(path: str, run: Run, tiers: tuple[Tier, ...], repository: Repository | None) -> list[str]:
    head = repository.commit("HEAD") if repository is not None else None
    source = History(repository, head).source(run) if repository is not None and head is not None else None
    lines = [f"{path}: files of commit {source[:12]}" if source else f"{path}: its code is not in this clone"]
    for reproduction in run.reproductions:
        command = shlex.join(reproduction.command or (run.code.entrypoint if run.code is not None else ()))
        scale = ", ".join(f"{key}={value}" for key, value in reproduction.scale.items()) or "nothing"
        will = "execute" if reproduction.tier in tiers else "leave out (its tier is not asked for)"
        lines.append(f"  {reproduction.tier} {reproduction.name!r}: {will} {command}")
        lines.append(f"    scaled down: {scale}; time limit: {reproduction.timeout or 'none'} s")
        lines.append(f"    removed first, expected back: {', '.join(reproduction.outputs) or 'the declared outputs'}")
    return lines or [f"{path}: no reproduction"]


def _report(look: Look, *, executing: Executing, only: tuple[str, ...] | None) -> Report:
    root, repository = _root(look.root)
    loaded = _policy(root)
    gate = loaded.policy.gates.merge
    selection = [
        selected
        for selected in select(look.checklist or gate.checklist, loaded.policy.severities)
        if not selected.check.judges_change and (only is None or selected.check.rule.id.startswith(only))
    ]
    paths = select_files(root, look.manifests, loaded.policy.manifests)
    scratch = Scratch()
    try:
        bench = Bench(
            root=root,
            repository=repository,
            judged=None,
            policy=loaded.policy,
            selection=selection,
            executing=executing,
            require={},
            scratch=scratch,
            progress=look.progress,
        )
        audits = [bench.audit(from_file(root, path)) for path in paths]
    finally:
        scratch.close()
        if repository is not None:
            repository.close()
    runs = tuple(report for report, _ in audits)
    verdict = verdict_of([result for run in runs for result in run.results], gate)
    used = PolicyUsed(
        role="built-in" if loaded.source == BUILT_IN else "head", digest=loaded.digest, ref="working tree", verdict=None
    )
    return Report(
        version=__version__,
        exit=exit_of(verdict, loaded.policy.mode),
        block_at=gate.block_at,
        advisory=True,
        head=bench.head,
        policies=(used,),
        runs=runs,
        notes=("advisory: the working tree was judged, by the policy that lies in it",),
    )


def _root(start: Path) -> tuple[Path, Repository | None]:
    try:
        repository = Repository.discover(start)
    except UsageError:
        return start, None
    return repository.root, repository


def _policy(root: Path) -> LoadedPolicy:
    file = root / FILE
    return load(file.read_bytes() if file.is_file() else None, source=FILE)
