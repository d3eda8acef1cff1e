"""Flags a new snapshot that holds only the rows of the one it supersedes, in another order.

## Why it matters
The digest changed, so it looks like new data; the rows did not. Their order changes batches, and so
the weights. A directory listing or a query without ORDER BY is the usual cause, and will do it
again.

## How to fix
Sort the rows by a key when the data are written, or keep the former snapshot.

## When it cannot decide
When the former snapshot is not in the history of the same path, or one of the two is no table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import (
    ClaimedBytes,
    EvidenceLevel,
    Finding,
    History,
    Inconclusive,
    NotApplicable,
    Rule,
    Run,
    Severity,
    former_snapshot,
    is_table,
    rows_of,
)

RULE: Final = Rule(
    id="data/reordered-rows",
    summary="A new snapshot that holds only the rows of the one it supersedes, in another order.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, claimed: ClaimedBytes, history: History) -> Iterator[Finding]:
    """Yield each data set with the same rows, counted, as the snapshot that it supersedes."""
    newer = [(index, data) for index, data in enumerate(run.data) if data.supersedes is not None and is_table(data)]
    if not newer:
        raise NotApplicable("no table supersedes a former snapshot")
    unread = []
    for index, data in newer:
        try:
            before, after = former_snapshot(data, history, claimed), rows_of(claimed, data)
        except Inconclusive as unanswered:
            unread.append(unanswered.reason)
            continue
        if before == after:
            yield Finding(
                message=f"{data.name} holds the {after[1].total()} rows of the snapshot it supersedes, in another order",
                pointer=f"/data/{index}/supersedes",
                fix="write the rows in the order of a key, or keep the former snapshot",
            )
    if unread:
        raise Inconclusive("; ".join(unread))
