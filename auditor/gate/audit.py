"""Audits one run: gathers its evidence, executes its reproductions where asked, and lets the engine ask the checks."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.catalogue.checklists import Selected
from auditor.engine import Gathered, Place, ask
from auditor.errors import UsageError
from auditor.evidence.answers import Answers
from auditor.evidence.claimed import Claim, ClaimedBytes, Scratch
from auditor.evidence.history import History
from auditor.evidence.manifest import Manifest
from auditor.evidence.reproductions import Reproductions
from auditor.evidence.rules import Rules
from auditor.evidence.unanswered import Inconclusive
from auditor.gate.subject import Subject
from auditor.git import Repository
from auditor.model.band import Calibration
from auditor.model.finding import Finding, Rule
from auditor.model.policy import Policy, Waiver
from auditor.model.report import Established, RunReport
from auditor.model.run import DataSource, Run
from auditor.model.words import EvidenceLevel, Isolation, Outcome, Tier
from auditor.policy import waivers
from auditor.store.hashing import Hashing
from auditor.store.stores import Stores

if TYPE_CHECKING:
    from auditor.reproduce.bundle.opened import Opened
    from auditor.reproduce.bundle.recording import Recording
    from auditor.reproduce.kept import Kept
    from auditor.reproduce.request import Request

Progress = Callable[[str], None]
"""Is told, in a few words, what takes time right now."""


def silent(_words: str) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, kw_only=True)
class Executing:
    """How reproductions are executed. ``deadline`` is in seconds of :func:`time.monotonic`, None for no limit.

    ``stage`` is the only one to execute, all when None; ``steps`` are those of a run's beginning.
    ``recording`` takes over what executions leave; ``evidence`` tells of executions made elsewhere, and then none is made.
    ``in_part``: a person chose what to execute of a run, and wants no answer for the rest of it.
    ``kept`` holds executions for another policy.
    ``draw`` is how many segments are drawn at random where the tier ``segment`` is asked for; None is as the policy says.
    """

    tiers: tuple[Tier, ...] = ()
    isolation: tuple[Isolation, ...] = (Isolation.BWRAP,)
    allow_none: bool = False
    deadline: float | None = None
    liveness: bool = True
    stage: str | None = None
    steps: int | None = None
    recording: Recording | None = None
    evidence: Opened | None = None
    draw: int | None = None
    in_part: bool = False
    kept: Kept | None = None


Granted = tuple[tuple[Waiver, ...], tuple[str, ...]]
"""Waivers that people granted a run beside those of the policy, and what is wrong with others, in words."""


def nothing_granted(_digest: str, _run_id: str | None) -> Granted:
    """No waivers: those of a ledger are looked up by gates only."""
    return (), ()


def unanswered(_digest: str) -> Answers:
    """No answers: people's are looked up by gates only."""
    return Answers(asked=False)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where runs are audited, and by which rules: what all audits of one command share.

    ``judged`` is the commit whose content is judged; None judges the working tree. ``selection`` holds the checks about
    single runs; ``bands`` are what the trusted policy's files of bands teach. ``granted`` and ``answers`` look up what
    people said about the run with a manifest digest (and its id); ``note`` is told what people should know.
    """

    root: Path
    repository: Repository | None
    judged: str | None
    policy: Policy
    selection: list[Selected]
    executing: Executing
    require: dict[str, tuple[EvidenceLevel, ...]]
    scratch: Scratch
    bands: tuple[Calibration, ...] = ()
    established: dict[str, EvidenceLevel] = field(default_factory=dict)
    granted: Callable[[str, str | None], Granted] = nothing_granted
    answers: Callable[[str], Answers] = unanswered
    note: Progress = silent
    progress: Progress = silent
    hashing: Hashing = field(default_factory=Hashing)

    @cached_property
    def stores(self) -> Stores:
        """The stores that the policy names. Whoever fills the bench sees to it that this policy is a trusted one."""
        return Stores(self.policy.stores)

    @cached_property
    def head(self) -> str | None:
        """The commit that history is seen from."""
        return self.judged or (self.repository.commit("HEAD") if self.repository is not None else None)

    def claimed(self, expected: Sequence[Claim] = ()) -> ClaimedBytes:
        """Looks up the bytes of claims where this bench judges; ``expected`` are those that will be asked for."""
        return ClaimedBytes(
            root=self.root,
            repository=self.repository,
            commit=self.judged,
            scratch=self.scratch,
            stores=self.stores,
            hashing=self.hashing,
            expected=expected,
        )

    def placed(self, manifest: Manifest) -> Place:
        """Tells in which line of the manifest a finding stands."""
        return manifest.place

    def history(self) -> History:
        """The repository's history.

        Raises:
            Inconclusive: there is none.
        """
        if self.repository is None or self.head is None:
            raise Inconclusive("this is no git repository with a commit, so nothing is known of the code")
        return History(self.repository, self.head)

    def audit(self, subject: Subject) -> tuple[RunReport, tuple[Finding, ...]]:
        """What is found about ``subject``, and the waivers that were asked for in vain."""
        manifest = subject.manifest
        if manifest.document is None:
            selection = [s for s in self.selection if s.check.rule.id == "schema/unreadable-manifest"]
            results = ask(selection, Gathered({"manifest": lambda: manifest}), manifest.place)
            unread = RunReport(manifest=subject.path, digest=subject.digest, identity="bytes", id=None, results=results)
            return unread, ()
        claimed = cache(lambda: self.claimed(_claims(manifest)))
        history = cache(self.history)
        reproductions = cache(lambda: self.reproduce(subject, manifest.run, claimed(), history))
        gathered = Gathered(
            {
                "run": lambda: manifest.run,
                "manifest": lambda: manifest,
                "claimed": claimed,
                "measured": lambda: _measured(manifest.run, claimed()),
                "history": history,
                "reproductions": reproductions,
                "rules": lambda: self.rules,
                "answers": lambda: self.answers(subject.digest),
            }
        )
        asked = ask(self.selection, gathered, self.placed(manifest))
        run_id = _run_id(manifest.document.value)
        today = dt.datetime.now(tz=dt.UTC).date()
        failed = {result.check for result in asked if result.outcome is Outcome.FAILED}
        granted, void = self.granted(subject.digest, run_id) if failed else ((), ())
        applied = waivers.apply(
            asked,
            self.policy.waivers,
            granted=granted,
            run_id=run_id,
            run_digest=subject.digest,
            today=today,
            digests=rule_digests(self.selection),
        )
        for waiver in applied.applying:
            self.note(waivers.ending(waiver, today))
        executed = reproductions().results if gathered.answered("reproductions") else ()
        report = RunReport(
            manifest=subject.path,
            digest=subject.digest,
            identity=subject.identity,
            id=run_id,
            results=applied.results,
            reproductions=executed,
            claims=self._claims(gathered),
        )
        return report, applied.refused + tuple(Finding(message=words, fix=waivers.RENEW) for words in void)

    @cached_property
    def rules(self) -> Rules:
        """The policy, as far as a check may look at it."""
        return Rules(
            policy=self.policy,
            require=self.require,
            tiers=self.executing.tiers,
            bands=self.bands,
            established=self.established,
        )

    def _claims(self, gathered: Gathered) -> tuple[Established, ...]:
        """How the claims are known that a level is required for."""
        if not self.require:
            return ()
        from auditor.evidence.levels import established  # noqa: PLC0415  (statistics: only gates need them)

        try:
            evidence = (gathered[name] for name in ("run", "measured", "claimed", "reproductions", "rules"))
            return established(*evidence)  # type: ignore[arg-type]  # each is what its name says
        except Inconclusive:
            return ()

    def reproduce(
        self, subject: Subject, run: Run, claimed: ClaimedBytes, history: Callable[[], History], *, at: str | None = None
    ) -> Reproductions:
        """Execute the reproductions of ``run`` on its recorded code, or on the files of commit ``at``."""
        tiers = self.executing.tiers
        wanted = Reproductions(required=tiers)
        implied = {Tier.PREFIX, Tier.SEGMENT, Tier.FULL} & set(tiers)
        if not wanted.executes or not (run.reproductions or implied) or run.run.status != "succeeded":
            return wanted
        if subject.manifest.violations:
            return replace(wanted, reason="a manifest that its schema refuses is not executed")
        past = history()
        commit = at or past.source(run)
        if commit is None:
            return replace(wanted, reason="the recorded code is not in this clone, so nothing was executed")
        return self._execute(subject, run, claimed, past.repository, commit)

    def _execute(
        self, subject: Subject, run: Run, claimed: ClaimedBytes, repository: Repository, commit: str
    ) -> Reproductions:
        from auditor.reproduce.reproduce import reproduce  # noqa: PLC0415  (numpy, sandboxes: only when executing)

        self.progress(f"re-executing {subject.path}")
        try:
            done = reproduce(self.request(subject, run, claimed, repository, commit))
        except UsageError as error:
            return Reproductions(required=self.executing.tiers, reason=error.message)
        return Reproductions(
            required=self.executing.tiers,
            answering=done.answering,
            in_part=self.executing.in_part,
            results=done.results,
            liveness=done.liveness,
            computed=done.computed,
            reason="; ".join(done.notes) or None,
        )

    def request(self, subject: Subject, run: Run, claimed: ClaimedBytes, repository: Repository, commit: str) -> Request:
        """What to execute of ``run`` with the files of ``commit``, by the rules in force here.

        Raises:
            UsageError: the key of the challenge is no key.
        """
        from auditor.gate.challenge import challenge_of  # noqa: PLC0415  (only when executing)
        from auditor.reproduce.request import Request  # noqa: PLC0415

        def fetch(claim: Claim) -> Path | None:
            try:
                is_folder = isinstance(claim, DataSource) and claim.format == "tree"
                return claimed.folder(claim) if is_folder else claimed.file(claim)
            except Inconclusive:
                return None

        return Request(
            run=run,
            repository=repository,
            commit=commit,
            tiers=self.executing.tiers,
            isolation=self.executing.isolation,
            allow_none=self.executing.allow_none,
            tolerances=self.policy.tolerances,
            bands=self.bands,
            unknown_pair=self.policy.executors.unknown_pair,
            digest=subject.digest,
            environment=self.policy.environment,
            fetch=fetch,
            manifest_patterns=self.policy.manifests,
            budget=None if self.executing.deadline is None else self.executing.deadline - time.monotonic(),
            liveness=self.executing.liveness,
            stage=self.executing.stage,
            steps=self.executing.steps,
            manifest=subject.path,
            recording=self.executing.recording,
            evidence=self.executing.evidence,
            kept=self.executing.kept,
            progress=self.progress,
            challenge=challenge_of(self.policy, repository, draw=self.executing.draw),
        )


def _measured(run: Run, claimed: ClaimedBytes) -> object:
    from auditor.evidence.measured import Measured  # noqa: PLC0415  (statistics: only metrics need them)

    return Measured(run, claimed)


def _claims(manifest: Manifest) -> tuple[Claim, ...]:
    """The data and artifacts that a manifest claims, none for one whose claims cannot be read."""
    try:
        return (*manifest.run.data, *manifest.run.artifacts)
    except Inconclusive:
        return ()


def _run_id(value: object) -> str | None:
    about = value.get("run") if isinstance(value, dict) else None
    named = about.get("id") if isinstance(about, dict) else None
    return named if isinstance(named, str) else None


def rule_digests(selection: list[Selected]) -> dict[str, str]:
    """What waivers are bound to, by check id."""
    rules: list[Rule] = [selected.check.rule for selected in selection]
    return {rule.id: waivers.rule_digest(rule) for rule in rules}
