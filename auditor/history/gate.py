"""The history gate: whether the runs of the past still hold, for whoever asks on a schedule."""

from __future__ import annotations

import datetime as dt
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from msgspec import structs

from auditor import __version__, digest
from auditor.errors import PolicyError, UsageError
from auditor.evidence.past import Past
from auditor.gate.subject import select_committed
from auditor.git import Repository
from auditor.history import images, locks
from auditor.history.audit import Asked, Done, audit
from auditor.history.beside import PROBED, asked
from auditor.history.executing import Sampled, execute
from auditor.history.record import Judged, Record
from auditor.history.sampling import method_of
from auditor.history.summary import lines, policy_used, run_report
from auditor.ledger.entry import Kind
from auditor.ledger.keys import SigningKey
from auditor.ledger.ledger import open_ledger
from auditor.model.finding import Finding, Result
from auditor.model.report import Report, RunReport
from auditor.model.run import Json
from auditor.model.words import EvidenceLevel, Isolation, Outcome, Severity, Verdict
from auditor.policy.judge import exit_of, verdict_of
from auditor.policy.load import duration

_MOST_NAMED = 100


@dataclass(frozen=True, kw_only=True)
class Gating:
    """What is asked of the history gate: runs merged or started within ``since`` (``90d``), or all; some, or every one.

    ``key`` signs what came of it, in the ledger; without one nothing is written there. Not ``sampled``: nothing is executed,
    whatever the policy says, so that whoever holds a key need not run anybody's code.
    """

    asked: Asked
    manifests: Sequence[str] = ()
    since: str | None = None
    key: SigningKey | None = None
    sampled: bool = True


def gate_history(gating: Gating) -> Report:
    """The history gate's report.

    1. Audit every run, by the default branch's policy.
    2. Execute a sample of those that are asked about again, as far as the policy's budget goes.
    3. Add up what was found about them.

    Raises:
        UsageError, PolicyError, EmptySelectionError, UndecidableError: nothing could be judged; each says why.
    """
    began = time.monotonic()
    oldest = _oldest(gating.since)
    done = audit(gating.asked)
    place = done.place
    policy = place.policy.policy
    gate = policy.gates.history
    with Record(place.folder) as record:
        runs = _chosen(list(_since(record.all_latest(), oldest)), gating.manifests)
        sampled = _sampled(gating, done, record, runs, began)
        reports = tuple(_report(record, run, sampled) for run in runs)
        probed = tuple(_probed(record, done, runs, began))
    results = (*_unread(done), *probed)
    weighed = [*results, *(result for report in reports for result in report.results)]
    verdict = verdict_of(weighed, gate)
    advisory = any(r.isolation == Isolation.NONE for report in reports for r in report.reproductions)
    notes = [*lines(done), *(sampled.lines() if sampled is not None else ["nothing was executed again"])]
    if not runs:
        notes.append(f"no run is younger than {gating.since}: nothing to judge")
    if advisory:
        notes.append("advisory: not isolated; a personal run, nothing is signed and no other gate counts it")
    if policy.mode == "report-only":
        notes.append(f"report-only: a gate in enforce mode would say {verdict}")
    if gating.key is not None and policy.mode != "report-only":
        notes.append(_signed(gating.key, done, verdict, len(runs)))
    return Report(
        version=__version__,
        gate="history",
        verdict=verdict,
        exit=exit_of(verdict, policy.mode),
        block_at=gate.block_at,
        advisory=advisory,
        head=place.head,
        base=place.head,
        policies=(policy_used(done, verdict),),
        results=results,
        runs=reports,
        notes=tuple(notes),
    )


def _signed(key: SigningKey, done: Done, verdict: Verdict, runs: int) -> str:
    """Put the verdict on record, once for an audit and not for each of its runs; in words."""
    place = done.place
    if place.repository is None:
        return "no ledger: this is no repository"
    said: dict[str, Json] = {
        "gate": "history",
        "verdict": str(verdict),
        "head": place.head,
        "policy": place.policy.digest,
        "audit": done.audit,
        "runs": runs,
        "regressions": [one.run.digest for one in done.regressions if not one.recovered][:_MOST_NAMED],
    }
    with Repository(place.root) as repository, open_ledger(place.policy.policy.kept.url, repository) as ledger:
        # About the audit itself: no other gate looks for verdicts under its digest.
        entry = ledger.append(Kind.VERDICT, subject=digest.of_value(said), body=said, key=key)
    return f"signed: entry {entry.sequence} of the ledger"


def _oldest(since: str | None) -> dt.datetime | None:
    if since is None:
        return None
    try:
        return dt.datetime.now(tz=dt.UTC) - dt.timedelta(seconds=duration(since))
    except PolicyError as error:
        raise UsageError(f"--since {error.message}", hint=error.hint) from None
    except OverflowError:
        raise UsageError(f"--since {since!r} lies before all time", hint="leave it out to ask about every run") from None


def _since(runs: Iterator[Judged], oldest: dt.datetime | None) -> Iterator[Judged]:
    """The runs merged or started since; a run that tells neither is asked about whenever anything is."""
    for run in runs:
        times = [moment for moment in (_started(run), _merged(run)) if moment is not None]
        if oldest is None or not times or max(times) >= oldest:
            yield run


def _started(run: Judged) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(run.facts.started or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


def _merged(run: Judged) -> dt.datetime | None:
    return dt.datetime.fromtimestamp(run.facts.at, tz=dt.UTC) if run.facts.at is not None else None


def _chosen(runs: list[Judged], named: Sequence[str]) -> list[Judged]:
    if not named:
        return runs
    paths = set(select_committed(sorted({run.manifest for run in runs}), named, "the history"))
    return [run for run in runs if run.manifest in paths]


def _sampled(gating: Gating, done: Done, record: Record, runs: list[Judged], began: float) -> Sampled | None:
    gate = done.place.policy.policy.gates.history
    if not gating.sampled or gate.sample is None or gate.budget is None or done.place.repository is None:
        return None
    return execute(
        done.place,
        record,
        done.audit,
        runs,
        method=method_of(gate.sample),
        deadline=began + duration(gate.budget),
        progress=gating.asked.progress,
    )


def _probed(record: Record, done: Done, runs: list[Judged], began: float) -> Iterator[Result]:
    """Whether what the runs rest on is still there: locks, as far as the budget goes, and images."""
    place, policy = done.place, done.place.policy.policy
    if place.repository is None:
        return
    budget = policy.gates.history.budget
    with Repository(place.root) as repository:
        resolved = locks.probe(repository, record, runs, deadline=began + duration(budget) if budget else math.inf)
    past = Past(locks=resolved, images=images.probe(record, done.audit, runs))
    for result in asked(policy, past, *PROBED):
        if result.outcome is Outcome.INCONCLUSIVE:
            # What cannot be asked from here is no reason to stop anybody.
            yield structs.replace(result, severity=min(result.severity, Severity.MINOR))
        elif result.outcome is not Outcome.NOT_APPLICABLE:
            yield result


def _report(record: Record, run: Judged, sampled: Sampled | None) -> RunReport:
    """What was found about a run: when it was executed just now, that."""
    executed = sampled.reports.get(run.digest) if sampled is not None else None
    return executed if executed is not None else run_report(record, run)


def _unread(done: Done) -> Iterator[Result]:
    """What stores list and nobody could grade: it undecides, and names each."""
    if done.unread:
        yield Result(
            check="schema/unreadable-manifest",
            outcome=Outcome.INCONCLUSIVE,
            severity=Severity.BLOCKER,
            evidence=EvidenceLevel.DECLARED,
            reason=f"{len(done.unread)} manifests could not be graded; first {done.unread[0].version.path}: "
            f"{done.unread[0].reason}",
            findings=tuple(
                Finding(message=one.reason, fix="make it readable again, or remove it from the store", file=one.version.path)
                for one in done.unread[:100]
            ),
        )
