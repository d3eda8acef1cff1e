"""Grades one version of a manifest: by today's rules and by those of its time, side by side."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec

from auditor import digest
from auditor.catalogue.check import catalogue
from auditor.catalogue.checklists import Selected, select
from auditor.engine import Place
from auditor.errors import AuditorError, PolicyError
from auditor.evidence.claimed import Claim, ClaimedBytes, Scratch
from auditor.evidence.history import History, Today
from auditor.evidence.manifest import Manifest
from auditor.evidence.unanswered import Inconclusive
from auditor.gate.audit import Bench, Executing
from auditor.gate.subject import Subject, from_bytes
from auditor.git import Repository
from auditor.history.facts import Facts, facts_of
from auditor.history.found import RunStore, UnreadError, Version
from auditor.history.stores.folder import mark_of
from auditor.manifest.validate import SCHEMAS
from auditor.model.finding import Result
from auditor.model.policy import Policy
from auditor.model.report import RunReport
from auditor.model.words import EvidenceLevel, Outcome, Severity, Tier, Verdict
from auditor.policy.judge import verdict_of
from auditor.policy.load import FILE, load
from auditor.store.cache import DigestCache
from auditor.store.hashing import Hashing

STATIC = (Tier.DIGESTS, Tier.RECOMPUTE)
"""What is looked at without executing anything."""

_REACH = "code/unreachable-commit"
_VERSIONED = re.compile(r"auditor/run-manifest/v([1-9][0-9]{0,5})")

State = Literal["read", "unreadable", "newer", "lost"]
"""How a run could be graded at all: ``newer`` than this tool, or ``lost`` from every store that had it."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A file outside git that a grade stands on: ``mark`` is what changes when it does, None where there was no file."""

    path: str
    mark: str | None


class Graded(msgspec.Struct, frozen=True, kw_only=True):
    """What was found about one run.

    ``then`` and ``today`` are the verdicts under the rules of its time and today's. ``settled`` tells that the grade cannot
    become another one by commits that are added later; ``seen`` are the files outside git that it stands on.
    """

    version: Version
    state: State
    report: RunReport
    then: Verdict
    today: Verdict
    then_policy: str
    facts: Facts
    settled: bool = True
    seen: tuple[Seen, ...] = ()


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """A version that could not be graded, and why: it could not be had, or whoever graded it did not survive it."""

    version: Version
    reason: str
    quarantined: bool = False


Answer = Graded | Unread


@dataclass(frozen=True, kw_only=True)
class Examination:
    """All that a process needs to grade versions; it is sent to other processes and machines.

    ``heads`` are the commits that history is seen from, ``root`` where paths of manifests lead. ``keep`` is the folder of
    the digest cache, None where every file is to be read again.
    """

    root: Path
    is_repository: bool
    heads: tuple[str, ...]
    policy: Policy
    policy_digest: str
    stores: tuple[RunStore, ...]
    keep: Path | None
    executing: Executing = field(default_factory=lambda: Executing(tiers=STATIC))

    def __call__(self) -> Examiner:
        """An examiner of this process' own."""
        return Examiner(self)


class Examiner:
    """Grades versions one after the other. Close it to end what it opened."""

    def __init__(self, examination: Examination) -> None:
        self._given = examination
        self._stores = {store.name: store for store in examination.stores}
        self._repository = Repository(examination.root) if examination.is_repository else None
        cache = DigestCache(lambda: examination.keep or Path()) if examination.keep is not None else None
        self._hashing = Hashing(cache)
        self._then: dict[str, tuple[Policy, str]] = {}

    def close(self) -> None:
        """End the reading processes and write down what was learnt."""
        self._hashing.close()
        for store in self._stores.values():
            store.close()
        if self._repository is not None:
            self._repository.close()

    def grade(self, version: Version) -> Answer:
        """What is found about one version. Nothing but a fault of our own is ever raised."""
        try:
            raw = self._stores[version.store].read(version)
        except UnreadError as error:
            return Unread(version=version, reason=str(error))
        subject = from_bytes(version.path, raw)
        if (newer := _newer(subject)) is not None:
            return self._ungraded(version, subject, newer)
        scratch = Scratch()
        try:
            return self._graded(version, subject, scratch)
        except AuditorError as error:
            return Unread(version=version, reason=error.message)
        finally:
            scratch.close()

    def identify(self, version: Version) -> Answer | str:
        """The digest of one version alone."""
        try:
            return from_bytes(version.path, self._stores[version.store].read(version)).digest
        except UnreadError as error:
            return Unread(version=version, reason=str(error))

    def _graded(self, version: Version, subject: Subject, scratch: Scratch) -> Graded:
        bench = self._bench(version, self._given.policy, self._selection, scratch)
        report, _ = bench.audit(subject)
        today = verdict_of(report.results, self._given.policy.gates.history)
        then_policy, then_digest = self._policy_then(version)
        then = today
        if then_digest != self._given.policy_digest:
            # Its stores are not dialled: what an old commit names need not be trusted any more.
            rules = msgspec.structs.replace(then_policy, stores=self._given.policy.stores, checks=self._given.policy.checks)
            before = self._bench(version, rules, _selected(rules), scratch, claimed=bench.looked)
            then = verdict_of(before.audit(subject)[0].results, rules.gates.history)
        facts = facts_of(subject, version)
        return Graded(
            version=version,
            state="read" if subject.identity == "canonical" else "unreadable",
            report=report,
            then=then,
            today=today,
            then_policy=then_digest,
            facts=facts,
            settled=_settled(report.results, facts),
            seen=self._seen(subject, bench.looked),
        )

    def _ungraded(self, version: Version, subject: Subject, reason: str) -> Graded:
        result = Result(
            check="schema/invalid-manifest",
            outcome=Outcome.INCONCLUSIVE,
            severity=Severity.BLOCKER,
            evidence=EvidenceLevel.DECLARED,
            reason=reason,
        )
        report = RunReport(
            manifest=subject.path, digest=subject.digest, identity=subject.identity, id=None, results=(result,)
        )
        facts = facts_of(subject, version)
        return Graded(
            version=version,
            state="newer",
            report=report,
            then=Verdict.UNDECIDED,
            today=Verdict.UNDECIDED,
            then_policy=self._given.policy_digest,
            facts=facts,
        )

    @cached_property
    def _selection(self) -> list[Selected]:
        return _selected(self._given.policy)

    @cached_property
    def _today(self) -> Today | None:
        if self._repository is None or not self._given.heads:
            return None
        return Today(self._repository, self._given.heads)

    def _bench(
        self,
        version: Version,
        policy: Policy,
        selection: list[Selected],
        scratch: Scratch,
        claimed: ClaimedBytes | None = None,
    ) -> _Bench:
        return _Bench(
            root=self._given.root,
            repository=self._repository,
            judged=version.commit,
            policy=policy,
            selection=selection,
            executing=self._given.executing,
            require={},
            scratch=scratch,
            hashing=self._hashing,
            today=self._today,
            shared=claimed,
        )

    def _policy_then(self, version: Version) -> tuple[Policy, str]:
        """The policy in the commit that brought the version; today's where there was none that can be read."""
        now = self._given.policy, self._given.policy_digest
        if self._repository is None or version.commit is None:
            return now
        raw = self._repository.read(version.commit, FILE)
        if raw is None:
            return now
        key = digest.of_bytes(raw)
        if key not in self._then:
            try:
                loaded = load(raw, source=FILE)
                self._then[key] = loaded.policy, loaded.digest
            except PolicyError:
                self._then[key] = now
        return self._then[key]

    def _seen(self, subject: Subject, claimed: ClaimedBytes | None) -> tuple[Seen, ...]:
        """The files of the working tree that claims were looked up in, or would be if they were there."""
        if claimed is None:
            return ()
        return tuple(
            Seen(path=claim.path, mark=mark_at(self._given.root, claim.path))
            for claim in _claims(subject)
            if claim.path is not None and not _is_fixed(claimed, claim)
        )


def mark_at(root: Path, path: str) -> str | None:
    """What changes when the file at ``path`` does; None where there is none."""
    try:
        return mark_of((root / path).lstat())
    except (OSError, ValueError):
        return None


def _is_fixed(claimed: ClaimedBytes, claim: Claim) -> bool:
    """Whether the bytes behind a claim come from a commit, whose content never changes."""
    try:
        return claimed.locate(claim).where == "judged commit"
    except Inconclusive:
        return False


def _claims(subject: Subject) -> Sequence[Claim]:
    try:
        run = subject.manifest.run
    except Inconclusive:
        return ()
    return (*run.data, *run.artifacts)


def _selected(policy: Policy) -> list[Selected]:
    known = catalogue()
    weights = {check: weight for check, weight in policy.severities.items() if check in known}
    return [one for one in select(policy.gates.history.checklist, weights) if one.check.judges_run]


def _settled(results: Sequence[Result], facts: Facts) -> bool:
    """Whether commits that are added later can change nothing about a grade.

    They can bring back code that was out of reach, and the relatives of a run; they take nothing away.
    """
    fine = {Outcome.PASSED, Outcome.NOT_APPLICABLE}
    return all(
        result.outcome in fine or (result.check == _REACH and facts.commit is None)
        for result in results
        if result.check == _REACH or result.check.startswith("lineage/")
    )


def _newer(subject: Subject) -> str | None:
    """Why a manifest of a version that this tool does not know yet cannot be graded; None for any other."""
    value = subject.manifest.document.value if subject.manifest.document is not None else None
    named = value.get("schema") if isinstance(value, dict) else None
    match = _VERSIONED.fullmatch(named) if isinstance(named, str) else None
    if match is None or named in SCHEMAS["run-manifest"]:
        return None
    newest = max(int(m[1]) for known in SCHEMAS["run-manifest"] if (m := _VERSIONED.fullmatch(known)))
    if int(match[1]) <= newest:
        return None
    return f"{named} is newer than this auditor, which reads up to v{newest}: install a newer one to grade the run"


@dataclass(frozen=True, kw_only=True)
class _Bench(Bench):
    """A bench whose runs lie in the past: they are judged where they were merged, and reached from today."""

    today: Today | None = None
    shared: ClaimedBytes | None = None

    @cached_property
    def _looked(self) -> list[ClaimedBytes]:
        return [] if self.shared is None else [self.shared]

    @property
    def looked(self) -> ClaimedBytes | None:
        """Where claims were looked up, once somebody asked for them."""
        return self._looked[0] if self._looked else None

    def claimed(self, expected: Sequence[Claim] = ()) -> ClaimedBytes:
        """The same for both rules: bytes do not depend on them."""
        if not self._looked:
            self._looked.append(super().claimed(expected))
        return self._looked[0]

    def placed(self, manifest: Manifest) -> Place:
        """The file alone: which line is a question about one run, and takes as long as reading the manifest again."""
        return lambda _pointer: (manifest.path, None)

    def history(self) -> History:
        """The repository's history: what can be reached, from today; what was there, from the commit of the run."""
        past = super().history()
        return replace(past, today=self.today)


def day() -> str:
    """Today, in UTC: waivers end by it."""
    return dt.datetime.now(tz=dt.UTC).date().isoformat()
