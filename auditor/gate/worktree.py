"""Judges the working tree for whoever works in it: nothing is trusted or signed, so every report is advisory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor import __version__
from auditor.catalogue.check import Check
from auditor.catalogue.checklists import Selected, select
from auditor.errors import UsageError
from auditor.evidence.claimed import Scratch
from auditor.gate.audit import Bench, Executing, Progress, silent
from auditor.gate.many import MANY, audits
from auditor.gate.subject import select_files
from auditor.git import Repository
from auditor.model.policy import Policy
from auditor.model.report import PolicyUsed, Report
from auditor.model.words import Isolation, Tier
from auditor.policy import bands
from auditor.policy.judge import exit_of, verdict_of
from auditor.policy.load import BUILT_IN, FILE, LoadedPolicy, duration, load
from auditor.store.cache import DigestCache
from auditor.store.hashing import Hashing

_STATIC = (Tier.DIGESTS, Tier.RECOMPUTE)
"""What is looked at without executing anything."""

REPRODUCING = ("schema/", "reproduction/", "randomness/dead-seed", "metrics/")
"""The checks, by beginning of their id, that speak about a reproduction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is asked of the working tree. ``checklist`` None takes the merge gate's; ``paranoid`` reads every file again."""

    root: Path
    manifests: Sequence[str] = ()
    checklist: str | None = None
    paranoid: bool = False
    progress: Progress = silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """A reproduction that somebody asks for.

    ``tiers`` empty takes the merge gate's; ``isolation`` and ``draw`` None the policy's; ``stage`` is the only one to
    execute; ``steps`` are those of a run's beginning.
    """

    look: Look
    tiers: tuple[Tier, ...] = ()
    isolation: Isolation | None = None
    draw: int | None = None
    stage: str | None = None
    steps: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What :func:`check` would ask: which checks, of which manifests (paths relative to ``root``)."""

    root: Path
    manifests: tuple[str, ...]
    checks: tuple[str, ...]


def questions(look: Look) -> Questions:
    """What :func:`check` would ask; nothing is asked yet, and no manifest is read.

    Raises:
        PolicyError, EmptySelectionError, UsageError: nothing could be judged; each says why.
    """
    root, repository = root_of(look.root)
    if repository is not None:
        repository.close()
    policy = policy_of(root).policy
    scratch = Scratch()
    try:
        selection = _selection(look, policy, root, scratch)
    finally:
        scratch.close()
    return Questions(
        root=root,
        manifests=tuple(select_files(root, look.manifests, policy.manifests)),
        checks=tuple(selected.check.rule.id for selected in selection),
    )


def own_checks(start: Path) -> dict[str, Check]:
    """The project's own checks by id, as its working tree holds them; none outside a project.

    Raises:
        PolicyError: the policy is invalid, or names a folder with something else in it.
    """
    root, repository = root_of(start)
    if repository is not None:
        repository.close()
    scratch = Scratch()
    try:
        return _own(root, policy_of(root).policy, scratch)
    finally:
        scratch.close()


def store_url(start: Path, given: str | None) -> str:
    """The address that ``given`` is, or that a store of that name in the working tree's policy has.

    Raises:
        UsageError: there is no such store, or nothing is given and there is not exactly one.
    """
    if given is not None and "://" in given:
        return given
    root, repository = root_of(start)
    if repository is not None:
        repository.close()
    stores = policy_of(root).policy.stores
    if given is None and len(stores) == 1:
        return next(iter(stores.values()))
    if given is None or given not in stores:
        raise UsageError(
            f"the policy has no store called {given!r}" if given is not None else f"the policy has {len(stores)} stores",
            hint=f"give a URL, or one of: {', '.join(stores)}" if stores else "give a URL: --to file:///folder",
        )
    return stores[given]


def check(look: Look) -> Report:
    """The report of all static and digest checks; nothing is executed.

    Raises:
        PolicyError, EmptySelectionError, UsageError: nothing could be judged; each says why.
    """
    return _report(look, executing=Executing(tiers=_STATIC), only=None)


def reproduce(rehearsal: Rehearsal) -> Report:
    """The report of re-executing one run, with the checks that speak about reproductions.

    Raises:
        PolicyError, EmptySelectionError, UsageError: nothing could be executed; each says why.
    """
    look = rehearsal.look
    if Tier.SEGMENT in rehearsal.tiers:
        from auditor.gate.challenge import given_key  # noqa: PLC0415  (only this tier needs it)

        given_key()
    gate = policy_of(root_of(look.root)[0]).policy.gates.merge
    chosen = rehearsal.isolation
    executing = Executing(
        tiers=rehearsal.tiers or gate.tiers,
        isolation=gate.isolation if chosen is None else (chosen,),
        allow_none=chosen in {None, Isolation.NONE},
        deadline=time.monotonic() + duration(gate.budget) if gate.budget else None,
        draw=rehearsal.draw,
        stage=rehearsal.stage,
        steps=rehearsal.steps,
        in_part=bool(rehearsal.tiers) or rehearsal.stage is not None,
    )
    return _report(look, executing=executing, only=REPRODUCING)


def _report(look: Look, *, executing: Executing, only: tuple[str, ...] | None) -> Report:
    root, repository = root_of(look.root)
    loaded = policy_of(root)
    gate = loaded.policy.gates.merge
    paths = select_files(root, look.manifests, loaded.policy.manifests)
    scratch = Scratch()
    executes = any(tier not in _STATIC for tier in executing.tiers)
    try:
        furnish = _Furnish(root, repository is not None, look, loaded.policy, executing, only, scratch)
        if len(paths) > MANY:
            scratch()  # it has to be there before others are started
        bench = furnish.at(repository, scratch)
        runs = audits(bench, furnish, paths, processes=1 if executes else None)
        bench.hashing.close()
    finally:
        scratch.close()
        if repository is not None:
            repository.close()
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


@dataclass(frozen=True, slots=True)
class _Furnish:
    """Makes the bench at which a working tree is judged, in this process or in one that was started for it."""

    root: Path
    is_repository: bool
    look: Look
    policy: Policy
    executing: Executing
    only: tuple[str, ...] | None
    scratch: Scratch

    def __call__(self) -> Bench:
        """A bench of this process' own."""
        # What it puts down lies in the folder of the process that started it, which outlives it and cleans up.
        return self.at(Repository(self.root) if self.is_repository else None, Scratch(self.scratch()))

    def at(self, repository: Repository | None, scratch: Scratch) -> Bench:
        """The bench with ``repository``, which puts what it needs for a while into ``scratch``."""
        cache = None if repository is None or self.look.paranoid else DigestCache(lambda: repository.common_dir / "auditor")
        return Bench(
            root=self.root,
            repository=repository,
            judged=None,
            policy=self.policy,
            selection=_selection(self.look, self.policy, self.root, scratch, only=self.only),
            executing=self.executing,
            require={},
            scratch=scratch,
            bands=bands.read_in(self.root, self.policy) if self.policy.bands and self.executing.tiers else (),
            progress=self.look.progress,
            hashing=Hashing(cache),
        )


def _selection(
    look: Look, policy: Policy, root: Path, scratch: Scratch, *, only: tuple[str, ...] | None = None
) -> list[Selected]:
    """The checks about single runs, of those whose id begins with one of ``only``."""
    own = _own(root, policy, scratch)
    return [
        selected
        for selected in select(look.checklist or policy.gates.merge.checklist, policy.severities, own)
        if selected.check.judges_run and (only is None or selected.check.rule.id.startswith(only))
    ]


def _own(root: Path, policy: Policy, scratch: Scratch) -> dict[str, Check]:
    if not policy.checks:
        return {}
    from auditor.catalogue.own import in_work_tree  # noqa: PLC0415  (only a project with checks of its own needs it)

    return in_work_tree(root, policy.checks, scratch)


def root_of(start: Path) -> tuple[Path, Repository | None]:
    """The root of the project around ``start``, and its repository, None outside of one."""
    try:
        repository = Repository.discover(start)
    except UsageError:
        return start, None
    return repository.root, repository


def policy_of(root: Path) -> LoadedPolicy:
    """The policy in the working tree."""
    file = root / FILE
    return load(file.read_bytes() if file.is_file() else None, source=FILE)
