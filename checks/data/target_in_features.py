"""Flags a training column that gives the label away.

## Why it matters
A column that is the label under another name, or separates the classes by itself, is usually known
only after the fact: a discharge date, a row number after sorting. The model will not have it when it
is used (Kapoor and Narayanan 2023, Patterns 4:9).

## How to fix
Take the column out, or declare it as `id`. Where a single measurement really decides, as in some
textbook data, say so and lower or waive this check; it blocks nothing by itself.

## When it cannot decide
When the table is not here. Tables without a label column, with fewer than thirty rows or with a
single label are not asked. Two classes are judged by the area under the curve of each column
(above 0.99), quantities by correlation; of large tables the first twenty million cells are read.
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
    is_table,
    telltales,
)

RULE: Final = Rule(
    id="data/target-in-features",
    summary="A training column that gives the label away.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, claimed: ClaimedBytes) -> Iterator[Finding]:
    """Yield each feature column that equals, renames or by itself separates the label."""
    unread, asked = [], 0
    for index, data in enumerate(run.data):
        if data.role != "train" or not is_table(data):
            continue
        try:
            found = telltales(claimed, data)
        except NotApplicable:
            continue
        except Inconclusive as unanswered:
            unread.append(unanswered.reason)
            continue
        asked += 1
        for telltale in found:
            yield Finding(
                message=f"the column {telltale.column!r} of {data.name} gives the label away: {telltale.how}",
                pointer=f"/data/{index}",
                fix="take the column out of the features, or declare it as the id",
            )
    if unread:
        raise Inconclusive("; ".join(unread))
    if not asked:
        raise NotApplicable("no training data is a table with a label column and enough rows")
