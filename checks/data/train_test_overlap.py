"""Flags test rows that the training data holds as well, beyond what chance explains.

## Why it matters
A model that has seen the test rows is measured on its memory. Such leaks are the most frequent cause
of results that nobody can repeat on fresh data (Kapoor and Narayanan 2023, Patterns 4:9).

## How to fix
Split again, without the rows named; keep rows of one group (patient, user, document) on one side. A
few rows that are equal by chance are no leak and are not flagged.

## When it cannot decide
When the tables are not here, or are in a form that the auditor does not read row by row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import (
    ClaimedBytes,
    DataSource,
    EvidenceLevel,
    Finding,
    Inconclusive,
    NotApplicable,
    Rule,
    Run,
    Severity,
    is_table,
    overlap,
)

RULE: Final = Rule(
    id="data/train-test-overlap",
    summary="Test rows that the training data holds as well, beyond what chance explains.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, claimed: ClaimedBytes) -> Iterator[Finding]:
    """Yield each pair of training and test data that shares more rows than chance explains.

    Rows are compared without their id column. See :func:`auditor.evidence.overlap.overlap` for the test.
    """
    train = [data for data in run.data if data.role == "train"]
    test = [(index, data) for index, data in enumerate(run.data) if data.role in {"test", "validation"}]
    if not train or not test:
        raise NotApplicable("the run declares no training data together with test data")
    if not any(is_table(data) for data in train) or not any(is_table(data) for _, data in test):
        raise NotApplicable("training and test data are not both tables, which can be compared row by row")
    unread = []
    for index, held_out in test:
        for source in train:
            if source.path is not None and source.path == held_out.path:
                yield _finding(index, f"{held_out.path} is declared as training data as well")
                continue
            if not is_table(source) or not is_table(held_out):
                continue
            try:
                found = overlap(claimed, source, held_out)
            except Inconclusive as unanswered:
                unread.append(unanswered.reason)
                continue
            if found.leaks:
                yield _finding(index, _words(source, held_out, found.shared, found.rows, found.probability))
    if unread:
        raise Inconclusive("; ".join(unread))


def _words(train: DataSource, test: DataSource, shared: int, rows: int, probability: float) -> str:
    return (
        f"{shared} of {rows} rows of {test.name} stand in {train.name} as well; "
        f"by chance so many or more would with probability {probability:.2g}"
    )


def _finding(index: int, message: str) -> Finding:
    return Finding(
        message=message,
        pointer=f"/data/{index}",
        fix="split again without the shared rows, by group where rows belong together",
    )
