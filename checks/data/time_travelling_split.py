"""Flags a split in which training data come after the data that the model is tested on.

## Why it matters
A forecast that was trained on the future cannot be repeated in the present. Where rows are ordered
in time, everything the model learns from has to lie before everything it is tested on.

## How to fix
Split at a point in time. Where time does not matter for the task, do not declare the column as
`time`.

## When it cannot decide
When a table is not here, lacks the declared column, or holds something in it that is neither an ISO
8601 date nor a number.
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
    span,
)

RULE: Final = Rule(
    id="data/time-travelling-split",
    summary="Training data that come after the data that the model is tested on.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, claimed: ClaimedBytes) -> Iterator[Finding]:
    """Yield each test or validation set that begins before the training data end; equal times are allowed."""
    train = [data for data in run.data if data.role == "train" and _time(data)]
    held_out = [(i, d) for i, d in enumerate(run.data) if d.role in {"test", "validation"} and _time(d)]
    if not train or not held_out:
        raise NotApplicable("training and test data do not both declare a column of times")
    unread = []
    for index, data in held_out:
        for source in train:
            try:
                learned, tested = span(claimed, source, _time(source)), span(claimed, data, _time(data))
            except Inconclusive as unanswered:
                unread.append(unanswered.reason)
                continue
            if learned.dated != tested.dated:
                unread.append(f"{source.name} is timed by {'dates' if learned.dated else 'numbers'}, {data.name} is not")
            elif learned.last > tested.first:
                yield Finding(
                    message=f"{source.name} reaches to {learned.last_text}, {data.name} begins at {tested.first_text}",
                    pointer=f"/data/{index}/columns/time",
                    fix="split at a point in time, with all training data before it",
                )
    if unread:
        raise Inconclusive("; ".join(unread))


def _time(data: DataSource) -> str:
    return (data.columns.time if data.columns is not None else None) or ""
