"""Flags a group, a patient or a document say, that stands in training and in test data.

## Why it matters
Rows of one group resemble each other. A model that has seen a patient is measured on its memory of
that patient, and fails on the next one (Kapoor and Narayanan 2023, Patterns 4:9).

## How to fix
Split by group: every group wholly in the training or wholly in the test data. Where the groups are
meant to be shared, do not declare the column as `group`.

## When it cannot decide
When a table is not here, cannot be read, or lacks the declared column.
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
    distinct,
)

RULE: Final = Rule(
    id="data/shared-group",
    summary="A group that stands in training and in test data.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, claimed: ClaimedBytes) -> Iterator[Finding]:
    """Yield each test or validation set that shares a group with training data, where both declare their groups."""
    train = [data for data in run.data if data.role == "train" and _group(data)]
    held_out = [(i, d) for i, d in enumerate(run.data) if d.role in {"test", "validation"} and _group(d)]
    if not train or not held_out:
        raise NotApplicable("training and test data do not both declare a column of groups")
    unread = []
    for index, data in held_out:
        for source in train:
            try:
                groups = distinct(claimed, data, _group(data))
                shared = sorted(groups & distinct(claimed, source, _group(source)))
            except Inconclusive as unanswered:
                unread.append(unanswered.reason)
                continue
            if shared:
                named = ", ".join(shared[:3]) + (", ..." if len(shared) > 3 else "")
                yield Finding(
                    message=f"{len(shared)} of {len(groups)} groups of {data.name} stand in {source.name} too: {named}",
                    pointer=f"/data/{index}/columns/group",
                    fix="split by group, so that every group is wholly on one side",
                )
    if unread:
        raise Inconclusive("; ".join(unread))


def _group(data: DataSource) -> str:
    return (data.columns.group if data.columns is not None else None) or ""
