"""Flags a run that descends from itself, or from a run that began after it.

## Why it matters
Lineage is read backwards, to the data that everything comes from. A circle has no beginning, and a
parent that is younger than its child was written in afterwards.

## How to fix
Name as parents the runs, or the files, that existed before this run started.

## When it cannot decide
When the judged commit cannot be read. Parents that are not in this repository are asked about by
lineage/dangling-parent.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from auditor.api import (
    EvidenceLevel,
    Finding,
    History,
    Manifest,
    NotApplicable,
    Relative,
    Rule,
    Rules,
    Run,
    Severity,
    cycle,
    relative,
    relatives,
    value_digest,
)

RULE: Final = Rule(
    id="lineage/cyclic-lineage",
    summary="A run that descends from itself, or from a run that began after it.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)

_ALLOWANCE = timedelta(minutes=10)
_FIX = "name as parents the runs and files that existed before this run started"


def check(run: Run, manifest: Manifest, history: History, rules: Rules) -> Iterator[Finding]:
    """Yield the circle that leads back to this run, and each parent run that started later."""
    parents = run.lineage.parents if run.lineage is not None else ()
    if not parents:
        raise NotApplicable("the run names no parents")
    own = relative(manifest.path, value_digest(manifest.value), run)
    others = relatives(history, rules)
    way = cycle(own, others)
    if way is not None:
        yield Finding(message=f"the run descends from itself: {' from '.join(way)}", pointer="/lineage/parents", fix=_FIX)
        return
    for index, parent in enumerate(parents):
        for other in others:
            if parent.digest in {other.digest, *other.artifacts} and _younger(other, own):
                yield Finding(
                    message=f"the parent {other.path} started at {other.started}, after this run ({own.started})",
                    pointer=f"/lineage/parents/{index}/digest",
                    fix=_FIX,
                )


def _younger(parent: Relative, child: Relative) -> bool:
    one, other = _time(parent.started), _time(child.started)
    return one is not None and other is not None and one > other + _ALLOWANCE


def _time(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text or "")
        return (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
