"""Flags times that cannot be: a run that ended before it began, or ran before its code was written.

## Why it matters
Times are the cheapest part of a record to invent and the easiest to get wrong. A commit written
after the run that claims to have used it means that the run used something else.

## How to fix
Record the run again from the commit that it is to be known by. Ten minutes are allowed for clocks
that disagree.

## When it cannot decide
When the run gives no times, or its code is not in this clone. A commit that was squashed or rebased
away is not held against the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from auditor.api import EvidenceLevel, Finding, History, Inconclusive, Rule, Run, Severity

RULE: Final = Rule(
    id="lineage/impossible-time",
    summary="A run that ended before it began, lies in the future, or ran before its code was written.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)

_ALLOWANCE = timedelta(minutes=10)
_FIX = "record the run again; times are taken by the recorder, not typed"


def check(run: Run, history: History) -> Iterator[Finding]:
    """Yield each pair of times in an impossible order."""
    started, finished = _time(run.run.started), _time(run.run.finished)
    if started is None:
        raise Inconclusive(run.why_unavailable("/run/started") or "the run records no start")
    if finished is not None and finished < started:
        yield Finding(message="the run finished before it started", pointer="/run/finished", fix=_FIX)
    if max(started, finished or started) > datetime.now(tz=UTC) + _ALLOWANCE:
        yield Finding(message="the run lies in the future", pointer="/run/started", fix=_FIX)
    commit = run.code.commit if run.code is not None else None
    if commit is None:
        return
    if not history.has(commit) and history.source(run) is not None:
        return  # squashed or rebased away; what stands for it was written again, with dates of its own
    authored = history.authored(commit)
    if authored - _ALLOWANCE > started:
        yield Finding(
            message=f"commit {commit[:12]} was written on {authored:%Y-%m-%d %H:%M} UTC, after the run started",
            pointer="/run/started",
            fix=_FIX,
        )


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
