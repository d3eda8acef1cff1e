"""Flags training rows that are alike in every feature and labelled differently.

## Why it matters
No model can be right about both. A few such rows are noise in the labels; many are a feature that
was dropped, two exports pasted together, or labels shifted by a row.

## How to fix
Look at the rows; correct the labels, or say in the data's documentation why they disagree. Where
they are expected, lower or waive this check.

## When it cannot decide
When the table is not here. A table without a label column is not asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import (
    ClaimedBytes,
    EvidenceLevel,
    Finding,
    Inconclusive,
    NotApplicable,
    Rule,
    Run,
    Severity,
    contradictions,
    is_table,
)

RULE: Final = Rule(
    id="data/conflicting-labels",
    summary="Training rows that are alike in every feature and labelled differently.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, claimed: ClaimedBytes) -> Iterator[Finding]:
    """Yield each table of training data in which equal rows disagree about the label."""
    unread, asked = [], 0
    for index, data in enumerate(run.data):
        if data.role != "train" or not is_table(data):
            continue
        try:
            torn, rows = contradictions(claimed, data)
        except NotApplicable:
            continue
        except Inconclusive as unanswered:
            unread.append(unanswered.reason)
            continue
        asked += 1
        if torn:
            yield Finding(
                message=f"{torn} of {rows} rows of {data.name} have a twin with equal features and another label",
                pointer=f"/data/{index}",
                fix="correct the labels, or keep the feature that tells the rows apart",
            )
    if unread:
        raise Inconclusive("; ".join(unread))
    if not asked:
        raise NotApplicable("no training data is a table with a label column and features")
