"""The deploy gate: decides about exact bytes, by the default branch's policy, at the moment at which they ship."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from msgspec import structs

from auditor import __version__
from auditor.attestation.predicate import Approval
from auditor.catalogue.check import Check
from auditor.catalogue.checklists import Selected, select
from auditor.catalogue.own import committed
from auditor.engine import Gathered, ask
from auditor.errors import UsageError
from auditor.evidence.change import Remark
from auditor.evidence.deployment import Deployment, Registered, Shipped
from auditor.evidence.kinship import gather
from auditor.evidence.unanswered import Inconclusive
from auditor.gate import verdicts
from auditor.gate.audit import Progress, silent
from auditor.gate.images import image
from auditor.gate.judgement import Case, Judgement, judge
from auditor.gate.place import artifacts_of, opened
from auditor.gate.shipping import Hashed, Shipment
from auditor.gate.subject import Subject
from auditor.ledger.entry import Kind
from auditor.ledger.keys import SigningKey
from auditor.model.report import Report
from auditor.model.run import Json
from auditor.model.words import Severity, Verdict
from auditor.policy.authors import authors
from auditor.policy.judge import exit_of, verdict_of
from auditor.policy.load import duration

HEAVIER: Final = {"security/unsafe-format": Severity.MAJOR}
"""What weighs more where it is about to be loaded, unless the policy says how much it weighs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """What is asked of a deploy gate.

    ``files`` are what ships, by the name under which each is handed on; ``to`` is where it is handed on to. ``registered``
    is what a registry says of them. ``key`` signs the verdict. ``manifest`` None finds the run that wrote the files. Without
    ``record`` nothing is written down or handed on.
    """

    root: Path
    files: Sequence[tuple[str, Path]]
    manifest: str | None = None
    to: Path | None = None
    image: str | None = None
    registered: Registered | None = None
    base: str | None = None
    head: str | None = None
    policy_ref: str | None = None
    key: SigningKey | None = None
    record: bool = True
    progress: Progress = silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a deploy gate decided. ``facts`` and ``approvals`` are what is attested; ``placed`` is what was handed on."""

    report: Report
    subject: Subject
    shipped: tuple[Hashed, ...]
    facts: dict[str, Json]
    required: int
    approvals: tuple[Approval, ...]
    decided: dt.datetime
    expires: dt.datetime | None
    placed: tuple[Path, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether the bytes may ship, and somebody may vouch for it."""
        return self.report.verdict is Verdict.OPEN and not self.report.advisory


def gate_deploy(request: Deploy) -> Decided:
    """What the deploy gate decides and, once it is open, the hand-over.

    1. Read and hash what ships, in the background, each file once.
    2. Read the policy from the default branch, never from what is judged.
    3. Find the run; look for a judge's fresh verdict about it, else judge it now by today's rules.
    4. Ask what only a deployment raises: whose bytes these are, who approved, what was revoked.
    5. Write down what was decided; hand on the very bytes that were hashed.

    Raises:
        UsageError, PolicyError, EmptySelectionError, UndecidableError, RefusedError: nothing was handed on; each says why.
    """
    if not request.files:
        raise UsageError("nothing is named that could be deployed", hint="--artifact FILE, or --model models:/NAME/VERSION")
    with (
        Shipment(request.files, request.to) as shipment,
        opened(request.root, base=request.base, head=request.head, policy_ref=request.policy_ref) as place,
    ):
        standing = place.standing()
        case = Case(place=place, standing=standing, key=request.key, progress=request.progress, record=request.record)
        return _decided(request, case, shipment)


def _decided(request: Deploy, case: Case, shipment: Shipment) -> Decided:
    gate = case.policy.gates.deploy
    subject = _subject(request, case, shipment)
    own = committed(case.place.repository, case.place.policy_commit, case.policy.checks, case.place.scratch)
    selection = select(gate.checklist, {**HEAVIER, **case.policy.severities}, own)
    known = verdicts.record(case.place, case.standing, subject.digest)
    judgement = judge(case, subject, selection, known)
    if judgement.entry is not None and case.standing.fault(judgement.entry, "judges", expiring=False) is None:
        known = replace(known, counting=judgement.entry)
    shipped = shipment.hashed()
    digests = [one.digest for one in shipped]
    given, void = _approvals(case, subject, digests)
    broken, stale = verdicts.faults(case.place, case.standing)
    own_artifacts = artifacts_of(subject)
    deployment = Deployment(
        artifacts=tuple(Shipped(name=s.name, digest=s.digest, declared=s.digest in own_artifacts) for s in shipped),
        needs_verdict=bool(case.policy.trust.judges),
        verdict=known.verdict,
        no_verdict=known.why,
        required=gate.approvals,
        approvals=tuple(approval.by for approval in given),
        void_approvals=void,
        revoked=_revoked(case, subject, digests),
        broken=broken,
        stale=stale,
        waived=sum(result.waived for result in judgement.run.results),
        max_waivers=gate.max_waivers,
        registered=request.registered,
        image=image(request.image, case.place, case.standing, subject) if request.image is not None else None,
    )
    report = _report(case, _always({**HEAVIER, **case.policy.severities}, own, selection), judgement, deployment)
    decided = judgement.entry.when if judgement.entry is not None else case.standing.now
    ends = [approval.expires for approval in given if approval.expires is not None]
    if gate.max_verdict_age is not None:
        ends.append(decided + dt.timedelta(seconds=duration(gate.max_verdict_age)))
    outcome = Decided(
        report=_with_notes(case, report, shipped, given),
        subject=subject,
        shipped=shipped,
        facts=judgement.facts | {"verdict": str(report.verdict)},
        required=gate.approvals,
        approvals=given,
        decided=decided,
        expires=min(ends, default=None),
    )
    ships = outcome.is_open and request.record
    return _handed_over(request, case, outcome, judgement, shipment) if ships else outcome


def _subject(request: Deploy, case: Case, shipment: Shipment) -> Subject:
    """The manifest asked about, or that of the run that wrote what ships."""
    if request.manifest is not None:
        return case.place.subject(request.manifest)
    return case.place.with_artifact({one.digest for one in shipment.hashed()})


def _approvals(case: Case, subject: Subject, shipped: Sequence[str]) -> tuple[tuple[Approval, ...], tuple[Remark, ...]]:
    """The approvals that count, one a person, and what is wrong with the others."""
    try:
        run = subject.manifest.run
        author, commit = run.run.author, run.code.commit if run.code is not None else None
    except Inconclusive:
        author = commit = None
    told = case.place.ledger.entries(Kind.VERDICT, subject.digest)
    made_by = authors(case.place.repository, case.place.head, path=subject.path, author=author, commit=commit, verdicts=told)
    found = case.standing.approvals(subject.digest, gate="deploy", made_by=made_by)
    other = [one for one in found.holding if not set(shipped) <= set(one.entry.subjects)]
    void = [Remark(message=str(one)) for one in found.void]
    void += [
        Remark(message=f"the approval by {one.person} (entry {one.entry.sequence}) is for other bytes") for one in other
    ]
    holding = [one for one in found.holding if one not in other]
    return tuple(Approval(by=one.person, entry=one.entry.digest, expires=one.expires) for one in holding), tuple(void)


def _revoked(case: Case, subject: Subject, shipped: Sequence[str]) -> tuple[Remark, ...]:
    graph = gather(case.place.repository, case.policy.manifests, commits=(case.place.head,), ledger=case.place.ledger)
    graph.add(subject.manifest, subject.digest)
    found: dict[str, str] = {}
    for start in (subject.digest, *shipped):
        found |= dict(graph.revoked_in(start))
    return tuple(
        Remark(message=f"{graph.nodes[one].label if one in graph.nodes else 'an ancestor'} {one} was revoked: {reason}")
        for one, reason in found.items()
    )


def _always(severities: Mapping[str, Severity], own: Mapping[str, Check], selection: Sequence[Selected]) -> list[Selected]:
    """The checks about deployments, asked whatever the checklist: whose bytes these are is no matter of taste."""
    every = (*select("standard", severities, own), *selection)
    chosen = {one.check.rule.id: one for one in every if one.check.judges_deployment}
    return [chosen[check] for check in sorted(chosen)]


def _report(case: Case, asked: Sequence[Selected], judgement: Judgement, deployment: Deployment) -> Report:
    gate = case.policy.gates.deploy
    results = ask(asked, Gathered({"deployment": lambda: deployment}))
    verdict = max(verdict_of([*results, *judgement.run.results], gate), judgement.verdict)
    return Report(
        version=__version__,
        gate="deploy",
        verdict=verdict,
        exit=exit_of(verdict, case.policy.mode),
        block_at=gate.block_at,
        advisory=judgement.advisory or case.policy.mode == "report-only",
        head=case.place.head,
        base=case.place.policy_commit,
        policies=(case.used(verdict),),
        results=results,
        runs=(judgement.run,),
    )


def _with_notes(case: Case, report: Report, shipped: Sequence[Hashed], given: Sequence[Approval]) -> Report:
    notes = [*case.notes, *(f"{one.name}: {one.digest} ({one.size} bytes)" for one in shipped)]
    by = f": {', '.join(approval.by for approval in given)}" if given else ""
    notes.append(f"approvals: {len(given)}, required: {case.policy.gates.deploy.approvals}{by}")
    if not case.policy.trust.judges:
        notes.append("no judges are named (trust.judges): this gate's own judgement decides")
    if case.policy.mode == "report-only":
        notes.append("report-only: nothing is signed, and nothing handed on")
    return structs.replace(report, notes=tuple(dict.fromkeys(notes)))


def _handed_over(request: Deploy, case: Case, outcome: Decided, judgement: Judgement, shipment: Shipment) -> Decided:
    """Put the decision on record, so that somebody can be asked about it years later; only then hand on the bytes.

    Raises:
        LedgerError, RefusedError: the decision cannot be put on record, or the bytes are no longer what was hashed.
    """
    shipment.confirm()
    case.place.ledger.append(
        Kind.PROMOTION,
        subject=outcome.subject.digest,
        subjects=[one.digest for one in outcome.shipped],
        body={
            "gate": "deploy",
            "verdict": judgement.entry.digest if judgement.entry is not None else None,
            "approvals": [approval.entry for approval in outcome.approvals],
            "policy": case.place.loaded.digest,
            "head": case.place.head,
            "image": request.image,
            "version": request.registered.version if request.registered is not None else None,
        },
        key=case.key,
    )
    return replace(outcome, placed=tuple(shipment.hand_over()))
