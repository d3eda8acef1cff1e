"""Flags an artifact with nothing in it: no bytes, or predictions without a row.

## Why it matters
A script that failed after opening its output leaves an empty file with a perfectly good digest.
Everything that is compared with it afterwards agrees.

## How to fix
Let the script fail when it has nothing to write, and record the run again.

## When it cannot decide
When a table cannot be read. Files that are not here are not asked; `artifacts/changed-artifact`
speaks about them. An empty log or plot is no defect.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import (
    Artifact,
    ClaimedBytes,
    EvidenceLevel,
    Finding,
    Inconclusive,
    NotApplicable,
    Rule,
    Run,
    Severity,
    count_records,
    is_table,
)

RULE: Final = Rule(
    id="artifacts/empty-artifact",
    summary="An artifact with nothing in it.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)

_RESULTS = frozenset({"weights", "checkpoint", "predictions", "labels", "metrics"})


def check(run: Run, claimed: ClaimedBytes) -> Iterator[Finding]:
    """Yield each result without bytes, and each table of predictions or labels without rows."""
    unread, left_out, asked = [], [], 0
    for index, artifact in enumerate(run.artifacts):
        if artifact.role not in _RESULTS:
            continue
        try:
            size = claimed.locate(artifact).size
        except Inconclusive as unanswered:
            left_out.append(unanswered.reason)
            continue
        asked += 1
        try:
            empty = "has no bytes" if size == 0 else _without_rows(artifact, claimed)
        except Inconclusive as unanswered:
            unread.append(unanswered.reason)
            continue
        if empty:
            yield Finding(
                message=f"{artifact.path or artifact.name} {empty}",
                pointer=f"/artifacts/{index}",
                fix="let the script fail when it has nothing to write, and record the run again",
            )
    if unread:
        raise Inconclusive("; ".join(unread))
    if not asked:
        raise NotApplicable("; ".join(left_out) or "the run declares no results")


def _without_rows(artifact: Artifact, claimed: ClaimedBytes) -> str | None:
    if artifact.role not in {"predictions", "labels"} or not is_table(artifact):
        return None
    try:
        claimed.file(artifact)
    except Inconclusive:
        return None  # other bytes than declared, or none: said elsewhere
    return "has a header and no rows" if count_records(claimed, artifact) == 0 else None
