"""Judges the run behind a deployment: by a judge's fresh verdict on record, else now, by today's rules."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec import structs

from auditor import __version__, digest
from auditor.attestation.predicate import Judged, found
from auditor.catalogue.checklists import Selected
from auditor.errors import LedgerError
from auditor.evidence.unanswered import Inconclusive
from auditor.gate.audit import Bench, Executing, Progress, rule_digests
from auditor.gate.place import Place, artifacts_of
from auditor.gate.subject import Subject
from auditor.gate.verdicts import Record
from auditor.ledger.entry import Entry, Kind
from auditor.ledger.keys import SigningKey
from auditor.model.policy import Policy, Waiver
from auditor.model.report import Established, PolicyUsed, RunReport
from auditor.model.run import Json
from auditor.model.words import Isolation, Tier, Verdict
from auditor.policy.approvals import Standing
from auditor.policy.judge import verdict_of
from auditor.policy.load import BUILT_IN, duration


@dataclass(slots=True, kw_only=True)
class Case:
    """One deployment on its way to a verdict. Without ``record`` nothing is written down."""

    place: Place
    standing: Standing
    key: SigningKey | None
    progress: Progress
    record: bool = True
    notes: list[str] = field(default_factory=list)

    @property
    def policy(self) -> Policy:
        """The rules that decide."""
        return self.place.policy

    def used(self, verdict: Verdict | None = None) -> PolicyUsed:
        """The policy as a report names it, with what it came to."""
        built_in = self.place.loaded.source == BUILT_IN
        return PolicyUsed(
            role="built-in" if built_in else "base",
            digest=self.place.loaded.digest,
            ref=self.place.policy_commit,
            verdict=verdict,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is known of the run. ``facts`` are the body of its verdict, ``entry`` where that is on record."""

    run: RunReport
    facts: dict[str, Json]
    entry: Entry | None

    @property
    def verdict(self) -> Verdict:
        """What the run itself comes to, whoever approved and whatever was revoked."""
        return Verdict(str(self.facts["verdict"]))

    @property
    def advisory(self) -> bool:
        """Whether nothing isolated stands behind it."""
        return self.facts["advisory"] is not False


def judge(case: Case, subject: Subject, selection: Sequence[Selected], known: Record) -> Judgement:
    """The judgement of the run: a judge's, when one is on record and fresh, else this gate's own."""
    chosen = [one for one in selection if one.check.judges_run]
    rules = _rules(case, chosen)
    return _warm(case, subject, known, rules) or _judged(case, subject, chosen, known, rules)


def _rules(case: Case, chosen: Sequence[Selected]) -> str:
    """The digest of today's rules: a verdict by others is no verdict about this deployment."""
    rules: dict[str, Json] = {
        "tool": __version__,
        "checks": rule_digests(list(chosen)),
        "weights": {one.check.rule.id: str(one.severity) for one in chosen},
        "tiers": list(case.policy.gates.deploy.tiers),
    }
    return digest.of_value(rules)


def _warm(case: Case, subject: Subject, known: Record, rules: str) -> Judgement | None:
    """A judge's fresh verdict about this very run by today's rules, which needs no judging again."""
    entry = known.counting
    body = entry.body if entry is not None else {}
    is_fresh = (body.get("gate"), body.get("rules"), body.get("verdict")) == ("deploy", rules, Verdict.OPEN)
    # What rests on a waiver is judged again: the waiver may have ended since.
    if entry is None or not is_fresh or body.get("waived"):
        return None
    about = entry.body.get("run")
    run_id = about.get("id") if isinstance(about, dict) else None
    case.notes.append(f"judged at {entry.written[:19]}Z by {entry.actor} (ledger entry {entry.sequence}); not judged again")
    run = RunReport(
        manifest=subject.path,
        digest=subject.digest,
        identity=subject.identity,
        id=run_id if isinstance(run_id, str) else None,
        claims=tuple(Established(claim=claim, level=level) for claim, level in sorted(known.established.items())),
    )
    return Judgement(run=run, facts=dict(entry.body), entry=entry)


def _judged(case: Case, subject: Subject, chosen: list[Selected], known: Record, rules: str) -> Judgement:
    """Judge the run now, by today's rules, and put the verdict on record."""
    gate = case.policy.gates.deploy
    waivers, void = case.standing.waivers(subject.digest, _id(subject))
    case.notes += [str(one) for one in void]
    run, refused = _bench(case, chosen, known, waivers).audit(subject)
    case.notes += [finding.message for finding in refused]
    verdict = verdict_of(run.results, gate)
    if not _succeeded(subject):
        case.notes.append("the run did not succeed, so it has nothing to deploy")
        verdict = max(verdict, Verdict.UNDECIDED)
    advisory = any(shown.isolation == Isolation.NONE for shown in run.reproductions if shown.tier > Tier.RECOMPUTE)
    used = case.used(verdict)
    judged = Judged(
        gate="deploy", verdict=verdict, advisory=advisory, head=case.place.head, policy=used, rules=gate, run=run
    )
    facts = found(judged) | {"rules": rules}
    return Judgement(run=run, facts=facts, entry=_recorded(case, subject, facts, advisory=advisory))


def _recorded(case: Case, subject: Subject, facts: dict[str, Json], *, advisory: bool) -> Entry | None:
    """The verdict on record; None where it must not or cannot be."""
    if advisory or not case.record or case.policy.mode != "enforce":
        return None
    try:
        about = sorted(artifacts_of(subject))
        return case.place.ledger.append(Kind.VERDICT, subject=subject.digest, subjects=about, body=facts, key=case.key)
    except LedgerError as error:
        case.notes.append(f"the verdict is not on record: {error.message}")
        return None


def _bench(case: Case, chosen: list[Selected], known: Record, waivers: tuple[Waiver, ...]) -> Bench:
    gate = case.policy.gates.deploy
    return Bench(
        root=case.place.repository.root,
        repository=case.place.repository,
        judged=case.place.head,
        policy=structs.replace(case.policy, waivers=case.policy.waivers + waivers),
        selection=chosen,
        executing=Executing(
            tiers=gate.tiers,
            isolation=gate.isolation,
            deadline=time.monotonic() + duration(gate.budget) if gate.budget else None,
        ),
        require=gate.require,
        scratch=case.place.scratch,
        established=dict(known.established),
        progress=case.progress,
    )


def _id(subject: Subject) -> str | None:
    try:
        return subject.manifest.run.run.id
    except Inconclusive:
        return None


def _succeeded(subject: Subject) -> bool:
    try:
        return subject.manifest.run.run.status == "succeeded"
    except Inconclusive:
        return True  # its own findings say what is wrong
