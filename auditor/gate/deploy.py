"""The deploy gate: decides about exact bytes, by the default branch's policy, at the moment at which they ship."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from msgspec import structs

from auditor import __version__
from auditor.attestation.predicate import Approval
from auditor.catalogue.checklists import Selected, select
from auditor.catalogue.own import committed
from auditor.engine import Gathered, ask
from auditor.errors import EmptySelectionError, UndecidableError, UsageError
from auditor.evidence.change import Remark
from auditor.evidence.claimed import Scratch
from auditor.evidence.deployment import Deployment, Image, Registered, Shipped
from auditor.evidence.kinship import gather
from auditor.evidence.unanswered import Inconclusive
from auditor.gate import standing
from auditor.gate.approvals import approvals
from auditor.gate.audit import Progress, silent
from auditor.gate.authors import authors_of
from auditor.gate.judgement import Case, Judgement, artifacts_of, judge
from auditor.gate.refs import default_branch
from auditor.gate.shipping import Hashed, Shipment
from auditor.gate.subject import Subject, in_commit, select_committed
from auditor.git import Repository
from auditor.globs import matches
from auditor.ledger.entry import Kind
from auditor.ledger.keys import SigningKey
from auditor.ledger.ledger import open_ledger
from auditor.model.policy import Policy
from auditor.model.report import Report
from auditor.model.run import Json
from auditor.model.words import Severity, Verdict
from auditor.policy.judge import exit_of, verdict_of
from auditor.policy.load import duration, read_at

HEAVIER: Final = {"security/unsafe-format": Severity.MAJOR}
"""What weighs more where it is about to be loaded, unless the policy says how much it weighs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """What is asked of a deploy gate.

    ``files`` are what ships, by the name under which each is handed on; ``to`` is where it is handed on to. ``registered``
    is what a registry says of them. ``key`` signs the verdict. ``manifest`` None finds the run that wrote the files.
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
    with Shipment(request.files, request.to) as shipment, Repository.discover(request.root) as repository:
        scratch = Scratch()
        try:
            head, policy_commit = _commits(repository, request)
            loaded = read_at(repository, policy_commit)
            with open_ledger(ledger_url(loaded.policy), repository) as ledger:
                case = Case(
                    repository=repository,
                    head=head,
                    policy_commit=policy_commit,
                    loaded=loaded,
                    ledger=ledger,
                    scratch=scratch,
                    key=request.key,
                    progress=request.progress,
                )
                return _decided(request, case, shipment)
        finally:
            scratch.close()


def ledger_url(policy: Policy) -> str | None:
    """The address of the policy's ledger; None for the one inside the git directory."""
    where: object = policy.ledger
    return where if isinstance(where, str) or where is None else getattr(where, "url", None)


def _commits(repository: Repository, request: Deploy) -> tuple[str, str]:
    """The commit that is judged, and the one whose policy decides."""
    head = repository.commit(request.head or "HEAD")
    if head is None:
        raise UsageError(f"{request.head or 'HEAD'!r} names no commit in this repository", hint="commit the run first")
    named = request.policy_ref or request.base or default_branch(repository)
    policy = repository.commit(named) if named is not None else None
    if policy is None:
        raise UndecidableError(
            f"the policy is read from the default branch, and {named or 'none'} names no commit here",
            hint="fetch it, or name it with --base REF",
        )
    return head, policy


def _decided(request: Deploy, case: Case, shipment: Shipment) -> Decided:
    gate = case.policy.gates.deploy
    now = case.ledger.now()
    subject = _subject(request, case, shipment)
    own = committed(case.repository, case.policy_commit, case.policy.checks, case.scratch)
    selection = select(gate.checklist, {**HEAVIER, **case.policy.severities}, own)
    known = standing.record(case.ledger, case.loaded, subject.digest, now)
    judgement = judge(case, subject, selection, known)
    if judgement.entry is not None and standing.is_judge(judgement.entry.key, case.policy.trust):
        known = replace(known, counting=judgement.entry)
    shipped = shipment.hashed()
    people = authors_of(case.repository, subject, case.policy.trust)
    digests = [one.digest for one in shipped]
    given, void = approvals(case.ledger, case.policy.trust, subject.digest, shipped=digests, authors=people, now=now)
    broken, stale = standing.faults(case.ledger, case.policy, now)
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
        registered=request.registered,
        image=_image(request, subject),
    )
    report = _report(case, selection, judgement, deployment)
    decided = judgement.entry.when if judgement.entry is not None else now
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
    return _handed_over(request, case, outcome, judgement, shipment) if outcome.is_open else outcome


def _subject(request: Deploy, case: Case, shipment: Shipment) -> Subject:
    """The manifest asked about, or that of the run that wrote what ships, in the judged commit."""
    paths = [path for path in case.repository.entries(case.head) if matches(path, case.policy.manifests)]
    if request.manifest is not None:
        given = Path(request.manifest)
        root = case.repository.root
        inside = given.relative_to(root).as_posix() if given.is_absolute() and given.is_relative_to(root) else str(given)
        chosen = select_committed(case.repository.entries(case.head), [inside], case.head[:12])
        if len(chosen) != 1:
            raise UsageError(f"{request.manifest} names {len(chosen)} manifests", hint="one run is deployed at a time")
        return in_commit(case.repository, case.head, chosen[0])
    wanted = {one.digest for one in shipment.hashed()}
    read = (in_commit(case.repository, case.head, path) for path in paths)
    matching = [subject for subject in read if wanted & artifacts_of(subject)]
    if not matching:
        raise EmptySelectionError(
            f"no run in {case.head[:12]} has an artifact with the digest {', '.join(sorted(wanted))}",
            hint="name the manifest, or record the run that wrote these bytes",
        )
    if len(matching) > 1:
        raise UsageError(f"{len(matching)} runs wrote these bytes", hint=f"name one: {matching[0].path}")
    return matching[0]


def _revoked(case: Case, subject: Subject, shipped: Sequence[str]) -> tuple[Remark, ...]:
    graph = gather(case.repository, case.policy.manifests, commits=(case.head,), ledger=case.ledger)
    graph.add(subject.manifest, subject.digest)
    found: dict[str, str] = {}
    for start in (subject.digest, *shipped):
        found |= dict(graph.revoked_in(start))
    return tuple(
        Remark(message=f"{graph.nodes[one].label if one in graph.nodes else 'an ancestor'} {one} was revoked: {reason}")
        for one, reason in found.items()
    )


def _image(request: Deploy, subject: Subject) -> Image | None:
    if request.image is None:
        return None
    try:
        environment = subject.manifest.run.environment
    except Inconclusive:
        environment = None
    recorded = environment.container.image if environment is not None and environment.container is not None else None
    return Image(given=request.image, recorded=recorded)


def _report(case: Case, selection: Sequence[Selected], judgement: Judgement, deployment: Deployment) -> Report:
    gate = case.policy.gates.deploy
    asked = [one for one in selection if one.check.judges_deployment]
    results = ask(asked, Gathered({"deployment": lambda: deployment}))
    verdict = max(verdict_of([*results, *judgement.run.results], gate), judgement.verdict)
    return Report(
        version=__version__,
        gate="deploy",
        verdict=verdict,
        exit=exit_of(verdict, case.policy.mode),
        block_at=gate.block_at,
        advisory=judgement.advisory or case.policy.mode == "report-only",
        head=case.head,
        base=case.policy_commit,
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
    case.ledger.append(
        Kind.PROMOTION,
        subject=outcome.subject.digest,
        subjects=[one.digest for one in outcome.shipped],
        body={
            "gate": "deploy",
            "verdict": judgement.entry.digest if judgement.entry is not None else None,
            "approvals": [approval.entry for approval in outcome.approvals],
            "policy": case.loaded.digest,
            "head": case.head,
            "version": request.registered.version if request.registered is not None else None,
        },
        key=case.key,
    )
    return replace(outcome, placed=tuple(shipment.hand_over()))
