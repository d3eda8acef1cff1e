"""Flags a data set that does not have as many records as the manifest says.

## Why it matters
A truncated download or a filter that was left on changes what the model saw. The number of records
is the claim about a data set that people read first, and the easiest to check.

## How to fix
Restore the recorded bytes, or record the run again; the recorder counts the records itself.

## When it cannot decide
When the bytes are not here, or are no table of the declared format. Formats without records
(images, archives, directories) are not asked.
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
    count_records,
)

RULE: Final = Rule(
    id="data/miscounted-records",
    summary="A data set that does not have as many records as the manifest says.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, claimed: ClaimedBytes) -> Iterator[Finding]:
    """Yield each data set whose records, counted again, are more or fewer than recorded."""
    counted = 0
    unread = []
    for index, data in enumerate(run.data):
        if data.records is None:
            continue
        try:
            actual = count_records(claimed, data)
        except Inconclusive as unanswered:
            unread.append(unanswered.reason)
            continue
        counted += actual is not None
        if actual is not None and actual != data.records:
            yield Finding(
                message=f"{data.name} has {actual} records, the manifest says {data.records}",
                pointer=f"/data/{index}/records",
                fix="restore the recorded data, or record the run again",
            )
    if unread:
        raise Inconclusive("; ".join(unread))
    if not counted:
        raise NotApplicable("no data set has a number of records that could be counted again")
