"""The merge gate: judges what a change brings, by rules that the change itself cannot loosen."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from auditor import __version__
from auditor.catalogue.check import Check, catalogue
from auditor.catalogue.checklists import Selected, select, statements
from auditor.catalogue.own import committed
from auditor.engine import Gathered, ask
from auditor.errors import PolicyError
from auditor.evidence.answers import Answers
from auditor.evidence.change import Change, Reference, Remark
from auditor.evidence.claimed import Scratch
from auditor.evidence.unanswered import Inconclusive
from auditor.gate.audit import Bench, Executing, Progress, silent
from auditor.gate.carried import Carried, Carrying, carry
from auditor.gate.ledgered import Gated, Ledgered
from auditor.gate.refs import Refs, in_ci, resolve
from auditor.gate.subject import Subject, in_commit, select_committed
from auditor.git import Change as PathChange
from auditor.git import Repository
from auditor.globs import matches
from auditor.model.finding import Finding, Result
from auditor.model.policy import Gate, Policy
from auditor.model.report import PolicyUsed, Report, RunReport
from auditor.model.words import Isolation, Severity, Tier, Verdict
from auditor.policy.bands import read_at as read_bands_at
from auditor.policy.judge import exit_of, verdict_of
from auditor.policy.load import BUILT_IN, FILE, InvalidPolicyError, LoadedPolicy, duration, read_at
from auditor.policy.loosened import loosened

LOOSENED = "governance/loosened-policy"
_STATIC = (Tier.DIGESTS, Tier.RECOMPUTE)
"""Tiers for which nothing is executed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """What is asked of a merge gate.

    ``manifests`` are paths or patterns; empty judges what the change touches. ``warn`` is told what a person should know
    although it changes nothing. ``carried`` is what executions leave on their way from one machine to another. ``only`` asks
    the checks alone whose id begins with one of these.
    """

    root: Path
    head: str | None = None
    base: str | None = None
    policy_ref: str | None = None
    manifests: Sequence[str] = ()
    carried: Carried = field(default_factory=Carried)
    only: tuple[str, ...] | None = None
    progress: Progress = silent
    warn: Progress = silent


@dataclass(slots=True)
class _Case:
    """One change on its way to a verdict, with all that does not depend on which policy judges it."""

    request: Merge
    repository: Repository
    refs: Refs
    changed: list[PathChange]
    base: LoadedPolicy
    head: LoadedPolicy | None
    invalid: tuple[Remark, ...]
    scratch: Scratch
    carrying: Carrying
    subjects: list[Subject] = field(default_factory=list)
    rewritten: tuple[Remark, ...] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def policy_changed(self) -> bool:
        """Whether the head would be judged by other rules than the base."""
        return self.head is None or self.head.digest != self.base.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """What one policy makes of a case."""

    verdict: Verdict
    block_at: Severity
    results: tuple[Result, ...]
    runs: tuple[RunReport, ...]


def gate_merge(request: Merge) -> Report:
    """The merge gate's report.

    1. Resolve the commits; read the policy at the base's tip, never from the change.
    2. Find what the change brings: manifests added, changed, deleted; covered files; the policy.
    3. Judge by the base's policy and, where the change brings another, by that one, too; the worse verdict counts.

    Raises:
        UsageError, PolicyError, EmptySelectionError, UndecidableError: nothing could be judged; each says why.
    """
    with Repository.discover(request.root) as repository:
        scratch = Scratch()
        try:
            refs = resolve(repository, head=request.head, base=request.base, policy_ref=request.policy_ref)
            base = read_at(repository, refs.policy)
            with carry(request.carried, refs, base.digest, scratch) as carrying:
                case = _case(request, repository, refs, base=base, scratch=scratch, carrying=carrying)
                with Ledgered(repository, base, case.notes.append) as ledger:
                    return _report(case, ledger)
        finally:
            scratch.close()


def _case(  # noqa: PLR0913  (all that the steps before it found out)
    request: Merge, repository: Repository, refs: Refs, *, base: LoadedPolicy, scratch: Scratch, carrying: Carrying
) -> _Case:
    changed = repository.changes(refs.fork, refs.head)
    head, invalid = _head_policy(repository, refs, changed, base)
    case = _Case(request, repository, refs, changed, base, head, invalid, scratch, carrying)
    patterns = base.policy.manifests + (head.policy.manifests if head is not None else ())
    chosen, case.rewritten = _touched(repository, refs, changed, patterns)
    if request.manifests:
        there = [path for path in repository.entries(refs.head) if matches(path, patterns)]
        chosen = select_committed(there, request.manifests, refs.head[:12])
    case.subjects = [in_commit(repository, refs.head, path) for path in chosen]
    _say_uncommitted(case, patterns)
    return case


def _head_policy(
    repository: Repository, refs: Refs, changed: Iterable[PathChange], base: LoadedPolicy
) -> tuple[LoadedPolicy | None, tuple[Remark, ...]]:
    """The head's policy and why it is invalid; the base's where the change does not touch it.

    A policy that moved on the base after the branch was made is no change of the branch's.
    """
    if not any(FILE in {change.path, change.former} for change in changed):
        return base, ()
    try:
        return read_at(repository, refs.head), ()
    except InvalidPolicyError as error:
        return None, tuple(Remark(message=f.message, pointer=f.pointer, file=f.file, line=f.line) for f in error.findings)
    except PolicyError as error:
        return None, (Remark(message=error.message, file=FILE),)


def _touched(
    repository: Repository, refs: Refs, changed: Iterable[PathChange], patterns: tuple[str, ...]
) -> tuple[list[str], tuple[Remark, ...]]:
    """The manifests that the change brings, and those of the base that it rewrites.

    A manifest is identified by its canonical digest: moved, or written in another order, it is the same manifest. Only what
    changed is looked at, however many manifests there are.
    """
    changed = list(changed)
    brought = {each.path for each in changed if each.status != "D" and matches(each.path, patterns)}
    former = {each.former or each.path for each in changed if each.status not in {"A", "C"}}
    gone = {path for path in former if matches(path, patterns)}
    old = {path: in_commit(repository, refs.fork, path).digest for path in gone}
    new = {path: in_commit(repository, refs.head, path).digest for path in brought}
    kept, known = set(new.values()), set(old.values())
    remarks = [
        Remark(message="a merged manifest was " + ("changed" if path in brought else "deleted"), file=path, line=1)
        for path in sorted(gone)
        if old[path] not in kept
    ]
    return sorted(path for path, digest in new.items() if digest not in known), tuple(remarks)


def _say_uncommitted(case: _Case, patterns: tuple[str, ...]) -> None:
    """Name the manifests whose working copy is not what is judged."""
    if case.refs.head != case.repository.commit("HEAD"):
        return
    status = case.repository.run("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames")
    for line in status.decode(errors="surrogateescape").split("\0"):
        path = line[3:]
        if path and matches(path, patterns):
            case.request.warn(f"{path} differs in the working tree; the committed content is judged")


def _report(case: _Case, ledger: Ledgered) -> Report:
    used: list[PolicyUsed] = []
    if case.subjects and any(tier not in _STATIC for tier in case.base.policy.gates.merge.tiers):
        ledger.warm()
    judged = [_judge(case, case.base, ledger)]
    used.append(_used(case.base, "base", case.refs, judged[0].verdict))
    if case.policy_changed and case.head is not None:
        judged.append(_judge(case, case.head, ledger))
        used.append(_used(case.head, "head", case.refs, judged[1].verdict))
    worst = max(judged, key=lambda one: one.verdict)
    isolations = {r.isolation for run in worst.runs for r in run.reproductions}
    advisory = Isolation.NONE in isolations
    if advisory:
        case.notes.append("advisory: not isolated; a personal run, nothing is signed and no other gate counts it")
    case.notes += case.carrying.notes
    if case.base.policy.mode == "enforce" and case.request.only is None:
        verdict = Gated(verdict=worst.verdict, advisory=advisory, head=case.refs.head, policy=used[0])
        ledger.record(verdict, zip(worst.runs, case.subjects, strict=True))
    if case.base.policy.mode == "report-only":
        case.notes.append(f"report-only: a gate in enforce mode would say {worst.verdict}")
    return Report(
        version=__version__,
        gate="merge",
        verdict=worst.verdict,
        exit=exit_of(worst.verdict, case.base.policy.mode),
        block_at=worst.block_at,
        advisory=advisory,
        head=case.refs.head,
        base=case.refs.base,
        policies=tuple(used),
        results=worst.results,
        runs=worst.runs,
        notes=tuple(dict.fromkeys(case.notes)),
    )


def _used(loaded: LoadedPolicy, role: str, refs: Refs, verdict: Verdict) -> PolicyUsed:
    built_in = loaded.source == BUILT_IN
    ref = refs.head if role == "head" else refs.policy
    return PolicyUsed(
        role="built-in" if built_in else "head" if role == "head" else "base", digest=loaded.digest, ref=ref, verdict=verdict
    )


def _judge(case: _Case, loaded: LoadedPolicy, ledger: Ledgered) -> _Judged:
    """What one policy makes of the case.

    Waivers, bands, stores, environments and own checks are the base's: a change can neither excuse itself, nor bring the
    tolerance that it needs, nor make the verifier dial an address, nor run code of its own in it.
    """
    gate = loaded.policy.gates.merge
    trusted = case.base.policy
    policy = msgspec.structs.replace(
        loaded.policy,
        waivers=trusted.waivers,
        stores=trusted.stores,
        bands=trusted.bands,
        environment=trusted.environment,
    )
    required = statements(gate.checklist)
    own = committed(case.repository, case.refs.policy, trusted.checks, case.scratch)
    selection = [
        selected
        for selected in select(gate.checklist, _weighed(policy, trusted, own), own)
        if case.request.only is None or selected.check.rule.id.startswith(case.request.only)
    ]
    bench = replace(
        _bench(case, policy, gate, [s for s in selection if s.check.judges_run]),
        granted=ledger.granted,
        answers=lambda digest: Answers(required=required, given=ledger.answers(digest) if required else {}),
        note=case.notes.append,
    )
    audits = [bench.audit(subject) for subject in case.subjects]
    runs = tuple(report for report, _ in audits)
    refused = tuple(finding for _, findings in audits for finding in findings)
    change = replace(
        _change(case, bench, refused, ledger),
        waived=sum(result.waived for run in runs for result in run.results),
        max_waivers=gate.max_waivers,
        approvals=trusted.gates.merge.approvals,
        unapproved=ledger.unapproved(case.subjects, case.refs.head),
    )
    results = ask(_change_selection(selection, change), Gathered({"change": lambda: change}))
    weighed = [*results, *(result for run in runs for result in run.results)]
    verdict = verdict_of(weighed, gate)
    if not runs and not change.references:
        case.notes.append(_nothing(case))
        if not case.policy_changed and not case.rewritten:
            verdict = max(verdict, Verdict(gate.on_nothing))
    elif runs and not any(_succeeded(subject) for subject in case.subjects):
        case.notes.append("no run that the change brings succeeded; such runs are kept, but open no gate by themselves")
        verdict = max(verdict, Verdict.UNDECIDED)
    return _Judged(verdict=verdict, block_at=gate.block_at, results=results, runs=runs)


def _weighed(policy: Policy, trusted: Policy, own: Mapping[str, Check]) -> dict[str, Severity]:
    """The severities of ``policy``; those of own checks that the change only brings count once it is merged."""
    known = {*catalogue(), *own}
    brings = set(policy.checks) - set(trusted.checks)
    return {check: weight for check, weight in policy.severities.items() if check in known or not brings}


def _edited_rules(case: _Case) -> tuple[Remark, ...]:
    """The base's own checks and bands that the change rewrites or removes; what they ask afterwards cannot be ordered."""
    policy = case.base.policy
    below = tuple(f"{folder.strip('/')}/" for folder in policy.checks)
    touched = sorted({change.former or change.path for change in case.changed if change.status != "A"})
    checks = [path for path in touched if below and path.startswith(below) and path.endswith(".py")]
    what = dict.fromkeys(checks, "one of the project's own checks") | dict.fromkeys(policy.bands, "a file of bands")
    return tuple(
        Remark(message=f"{what[path]} was changed or removed; the base's still judges", file=path)
        for path in touched
        if path in what
    )


def _succeeded(subject: Subject) -> bool:
    """Whether a run claims a result. What cannot be read is judged by its own findings."""
    value = subject.manifest.document.value if subject.manifest.document is not None else None
    about = value.get("run") if isinstance(value, dict) else None
    return not isinstance(about, dict) or about.get("status") not in {"failed", "interrupted"}


def _bench(case: _Case, policy: Policy, gate: Gate, selection: list[Selected]) -> Bench:
    asked = case.request.carried
    return Bench(
        root=_work_tree(case),
        repository=case.repository,
        judged=case.refs.head,
        policy=policy,
        selection=selection,
        executing=Executing(
            tiers=asked.tiers or gate.tiers,
            isolation=gate.isolation if asked.isolation is None else (asked.isolation,),
            allow_none=asked.isolation is None and not in_ci(),
            deadline=time.monotonic() + duration(gate.budget) if gate.budget else None,
            stage=asked.stage,
            steps=asked.steps,
            in_part=asked.stage is not None,
            recording=case.carrying.recording,
            evidence=case.carrying.evidence,
        ),
        require=gate.require,
        scratch=case.scratch,
        bands=read_bands_at(case.repository, case.refs.policy, policy) if policy.bands else (),
        progress=case.request.progress,
    )


def _work_tree(case: _Case) -> Path:
    """Where files outside the commits may lie: the work tree, or an empty folder for a repository that has none."""
    if not case.repository.is_bare:
        return case.repository.root
    empty = case.scratch() / "no-work-tree"
    empty.mkdir(exist_ok=True)
    return empty


def _change_selection(selection: Iterable[Selected], change: Change) -> list[Selected]:
    """The checks about the change. Without owners nobody could clear a loosened policy, so it is minor (contract)."""
    chosen = [s for s in selection if s.check.judges_change]
    if change.has_owners:
        return chosen
    return [replace(s, severity=Severity.MINOR) if s.check.rule.id == LOOSENED else s for s in chosen]


def _change(case: _Case, bench: Bench, refused: tuple[Finding, ...], ledger: Ledgered) -> Change:
    base = case.base.policy
    has_owners = bool(base.trust.owners)
    asked: tuple[Remark, ...] = ()
    edited = _edited_rules(case)
    if case.policy_changed and case.head is not None:
        head = case.head
        asked = tuple(
            Remark(message=one.message, pointer=one.pointer, file=FILE, line=head.line(one.pointer))
            for one in loosened(base, head.policy, checklist=weights)
        )
        if asked and has_owners and ledger.accepts(head.digest, asked):
            asked = ()
        if asked and not has_owners:
            case.notes.append("no owners are configured (trust.owners): review rules are the only guard of the policy")
    return Change(
        base=case.refs.base,
        head=case.refs.head,
        rewritten=case.rewritten,
        policy_changed=case.policy_changed or bool(edited),
        loosened=asked + edited,
        invalid=case.invalid,
        has_owners=has_owners,
        waivers=tuple(Remark(message=f.message, pointer=f.pointer, file=FILE) for f in refused),
        references=_references(case, bench),
    )


def weights(checklist: str) -> dict[str, Severity]:
    """The checks on a checklist and what each weighs there."""
    return {selected.check.rule.id: selected.severity for selected in select(checklist)}


def _references(case: _Case, bench: Bench) -> tuple[Reference, ...]:
    """The reference runs whose covered files were changed, executed with the head's files."""
    policy = case.base.policy
    covered = [c.path for c in case.changed if matches(c.path, policy.covers) or matches(c.former or c.path, policy.covers)]
    if not covered or not policy.references:
        return ()
    # The record is the base's: the change may have moved or deleted it. Only the files are the head's.
    paths = select_committed(case.repository.entries(case.refs.policy), policy.references, case.refs.policy[:12])
    superseded = {
        run.run.supersedes.digest
        for subject in case.subjects
        if subject.manifest.document is not None and not subject.manifest.violations
        for run in (subject.manifest.run,)
        if run.run.supersedes is not None
    }
    quick = replace(bench, executing=replace(bench.executing, tiers=(Tier.SMOKE,), liveness=False))
    references = []
    for path in paths:
        subject = in_commit(case.repository, case.refs.policy, path)
        try:
            shown = quick.reproduce(subject, subject.manifest.run, quick.claimed(), quick.history, at=case.refs.head).results
        except Inconclusive:
            shown = ()
        references.append(Reference(manifest=path, reproductions=shown, superseded=subject.digest in superseded))
    return tuple(references)


def _nothing(case: _Case) -> str:
    policy = case.base.policy
    covered = sum(matches(change.path, policy.covers) for change in case.changed)
    count = len(case.changed)
    files = f"{count} file{'' if count == 1 else 's'} changed"
    if not covered:
        return f"nothing to judge: {files}, none covered"
    return f"nothing to judge: {files}, {covered} covered, and no reference run is configured (references)"
