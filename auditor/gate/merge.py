"""The merge gate: judges what a change brings, by rules that the change itself cannot loosen."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import msgspec

from auditor import __version__
from auditor.catalogue.check import Check, catalogue
from auditor.catalogue.checklists import Selected, select, statements
from auditor.catalogue.own import committed
from auditor.engine import Gathered, ask
from auditor.evidence.answers import Answers
from auditor.evidence.change import Change, Reference, Remark
from auditor.evidence.claimed import Scratch
from auditor.evidence.unanswered import Inconclusive
from auditor.gate.audit import Bench, Executing
from auditor.gate.carried import carry
from auditor.gate.changed import Case, Merge, edited_rules, find, work_tree
from auditor.gate.ledgered import Gated, Ledgered
from auditor.gate.refs import Refs, in_ci, resolve
from auditor.gate.subject import Subject, in_commit, select_committed
from auditor.git import Repository
from auditor.globs import matches
from auditor.model.finding import Finding, Result
from auditor.model.policy import Gate, Policy
from auditor.model.report import PolicyUsed, Report, RunReport
from auditor.model.words import Isolation, Severity, Tier, Verdict
from auditor.policy.bands import read_at as read_bands_at
from auditor.policy.judge import exit_of, verdict_of
from auditor.policy.load import BUILT_IN, FILE, LoadedPolicy, duration, read_at
from auditor.policy.loosened import loosened

__all__ = ["LOOSENED", "Merge", "gate_merge", "weights"]

LOOSENED = "governance/loosened-policy"
_STATIC = (Tier.DIGESTS, Tier.RECOMPUTE)
"""Tiers for which nothing is executed."""


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
                case = find(request, repository, refs, base=base, scratch=scratch, carrying=carrying)
                with Ledgered(repository, base, case.notes.append) as ledger:
                    return _report(case, ledger)
        finally:
            scratch.close()


def _report(case: Case, ledger: Ledgered) -> Report:
    used: list[PolicyUsed] = []
    if case.subjects and any(tier not in _STATIC for tier in case.base.policy.gates.merge.tiers):
        ledger.warm()
    with _keeping(case):
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


@contextmanager
def _keeping(case: Case) -> Iterator[None]:
    """Where two policies judge, what the first one had executed is kept for the second."""
    if not case.policy_changed or case.head is None or case.request.carried.into is not None:
        yield
        return
    from auditor.reproduce.kept import Kept  # noqa: PLC0415  (only where something is executed twice otherwise)

    with Kept() as case.kept:
        yield


def _used(loaded: LoadedPolicy, role: str, refs: Refs, verdict: Verdict) -> PolicyUsed:
    built_in = loaded.source == BUILT_IN
    ref = refs.head if role == "head" else refs.policy
    return PolicyUsed(
        role="built-in" if built_in else "head" if role == "head" else "base", digest=loaded.digest, ref=ref, verdict=verdict
    )


def _judge(case: Case, loaded: LoadedPolicy, ledger: Ledgered) -> _Judged:
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


def _succeeded(subject: Subject) -> bool:
    """Whether a run claims a result. What cannot be read is judged by its own findings."""
    value = subject.manifest.document.value if subject.manifest.document is not None else None
    about = value.get("run") if isinstance(value, dict) else None
    return not isinstance(about, dict) or about.get("status") not in {"failed", "interrupted"}


def _bench(case: Case, policy: Policy, gate: Gate, selection: list[Selected]) -> Bench:
    asked = case.request.carried
    return Bench(
        root=work_tree(case),
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
            kept=case.kept,
            evidence=case.carrying.evidence,
        ),
        require=gate.require,
        scratch=case.scratch,
        bands=read_bands_at(case.repository, case.refs.policy, policy) if policy.bands else (),
        progress=case.request.progress,
    )


def _change_selection(selection: Iterable[Selected], change: Change) -> list[Selected]:
    """The checks about the change. Without owners nobody could clear a loosened policy, so it is minor (contract)."""
    chosen = [s for s in selection if s.check.judges_change]
    if change.has_owners:
        return chosen
    return [replace(s, severity=Severity.MINOR) if s.check.rule.id == LOOSENED else s for s in chosen]


def _change(case: Case, bench: Bench, refused: tuple[Finding, ...], ledger: Ledgered) -> Change:
    base = case.base.policy
    has_owners = bool(base.trust.owners)
    asked: tuple[Remark, ...] = ()
    edited = edited_rules(case)
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


def _references(case: Case, bench: Bench) -> tuple[Reference, ...]:
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


def _nothing(case: Case) -> str:
    policy = case.base.policy
    covered = sum(matches(change.path, policy.covers) for change in case.changed)
    count = len(case.changed)
    files = f"{count} file{'' if count == 1 else 's'} changed"
    if not covered:
        return f"nothing to judge: {files}, none covered"
    return f"nothing to judge: {files}, {covered} covered, and no reference run is configured (references)"
