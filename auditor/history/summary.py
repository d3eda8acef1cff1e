"""An audit of the past as a report of all its runs, and in few words for a person."""

from __future__ import annotations

import math

import msgspec

from auditor import __version__
from auditor.history.audit import Asked, Done, Regression, audit
from auditor.history.executing import execute
from auditor.history.record import Judged, Record
from auditor.history.sampling import method_of
from auditor.model.report import PolicyUsed, Report, RunReport
from auditor.model.words import Exit, Verdict
from auditor.policy.load import BUILT_IN
from auditor.render.text import plain

_MOST = 20


def policy_used(done: Done, verdict: Verdict | None = None) -> PolicyUsed:
    """The policy that judged."""
    loaded = done.place.policy
    role = "built-in" if loaded.source == BUILT_IN else "base"
    return PolicyUsed(
        role="built-in" if role == "built-in" else "base",
        digest=loaded.digest,
        ref=done.place.head or "no repository",
        verdict=verdict,
    )


def report_of(done: Done, *, runs: bool) -> Report:
    """The report of an audit, with every run that is known if ``runs`` are wanted. Nothing is decided."""
    found: tuple[RunReport, ...] = ()
    if runs:
        with Record(done.place.folder) as record:
            found = tuple(run_report(record, judged) for judged in record.all_latest())
    return Report(
        version=__version__,
        exit=Exit.OPEN if done.complete else Exit.UNDECIDED,
        block_at=done.place.policy.policy.gates.history.block_at,
        advisory=True,
        head=done.place.head,
        policies=(policy_used(done),),
        runs=found,
        notes=tuple(lines(done)),
    )


def run_report(record: Record, judged: Judged) -> RunReport:
    """What was last found about one run."""
    return RunReport(
        manifest=judged.manifest,
        digest=judged.digest,
        identity="canonical" if judged.identity == "canonical" else "bytes",
        id=judged.id,
        results=record.results(judged.results),
    )


def lines(done: Done) -> list[str]:
    """What a person wants to know, one sentence a line."""
    said = [f"{_counted(done.found, 'run')} found, {done.graded} graded now, the rest as before"]
    said.append("today: " + (", ".join(f"{done.grades[word]} {word}" for word in Verdict if word in done.grades) or "none"))
    said += [_changed(one) for one in done.regressions[:_MOST]]
    if len(done.regressions) > _MOST:
        said.append(f"and {len(done.regressions) - _MOST} more changed")
    said += [f"not read: {one.version.path} ({one.version.store}): {one.reason}" for one in done.unread[:_MOST]]
    if len(done.unread) > _MOST:
        said.append(f"and {len(done.unread) - _MOST} more could not be read")
    if done.left:
        said.append(f"the budget left out {_counted(done.left, 'manifest')}: run it again to go on")
        said += [f"not reached: {name}" for name in done.left_names[:_MOST]]
    return said


def reported(asked: Asked, *, runs: bool) -> Report:
    """Audit what is asked about, execute a sample again if that is asked for, and report it."""
    method = method_of(asked.sample) if asked.sample is not None else None
    done = audit(asked)
    if method is None:
        return report_of(done, runs=runs)
    with Record(done.place.folder) as record:
        sampled = execute(
            done.place,
            record,
            done.audit,
            list(record.all_latest()),
            method=method,
            deadline=asked.deadline if asked.deadline is not None else math.inf,
            progress=asked.progress,
        )
    done.complete = done.complete and not sampled.left
    report = report_of(done, runs=runs)
    executed = tuple(sampled.reports.get(run.digest, run) for run in report.runs)
    return msgspec.structs.replace(report, notes=(*report.notes, *sampled.lines()), runs=executed)


def text(report: Report) -> str:
    """A report of an audit as a text for people."""
    return "\n".join(plain(note) for note in report.notes)


def _changed(one: Regression) -> str:
    name = one.run.id or one.run.manifest
    if one.recovered:
        return f"recovered: {name} is {one.run.today} again"
    return f"regression: {name} is {one.run.today}: {one.causes[0] if one.causes else 'no cause was found'}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
