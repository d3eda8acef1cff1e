"""Flags a column that the manifest gives a meaning although the table lacks it.

## Why it matters
Leakage is looked for by the columns that identify a row, name its group or order it in time. Where
such a column is not in the table, those questions are asked of nothing.

## How to fix
Correct the name under `columns`, or record the run again with the table that has the column.

## When it cannot decide
When the bytes are not here, or are no table of the declared format.
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
    open_rows,
)

RULE: Final = Rule(
    id="data/missing-column",
    summary="A column that the manifest gives a meaning although the table lacks it.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, claimed: ClaimedBytes) -> Iterator[Finding]:
    """Yield each declared column that is not in the header of its table."""
    asked = [(index, data) for index, data in enumerate(run.data) if data.columns is not None and is_table(data)]
    if not asked:
        raise NotApplicable("no table declares what its columns mean")
    unread = []
    for index, data in asked:
        columns = data.columns
        named = {role: getattr(columns, role) for role in ("id", "label", "group", "time")}
        try:
            with open_rows(claimed, data) as table:
                header = table.header
        except Inconclusive as unanswered:
            unread.append(unanswered.reason)
            continue
        for role, column in named.items():
            if column is not None and column not in header:
                yield Finding(
                    message=f"{data.name} has no column {column!r}, which is declared as its {role}",
                    pointer=f"/data/{index}/columns/{role}",
                    fix="correct the name of the column, or record the run again",
                )
    if unread:
        raise Inconclusive("; ".join(unread))
