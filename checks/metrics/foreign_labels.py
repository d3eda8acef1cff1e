"""Flags predictions that are measured against other labels than those of the test data.

## Why it matters
A metric is recomputed from predictions and the labels beside them. Whoever turns a few of those
labels into what the model said gets a better figure that recomputes perfectly.

## How to fix
Take the labels from the test data when the predictions are written, and record the run again. Labels
may be encoded or merged, as long as equal labels stay equal.

## When it cannot decide
When the test data or the predictions are not here, or cannot be read. Predictions without labels,
and labels that are another quantity than the test data's, are not asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import (
    Artifact,
    ClaimedBytes,
    DataSource,
    EvidenceLevel,
    Finding,
    Inconclusive,
    Metric,
    NotApplicable,
    Rule,
    Run,
    Severity,
    is_table,
    mislabelled,
)

RULE: Final = Rule(
    id="metrics/foreign-labels",
    summary="Predictions that are measured against other labels than those of the test data.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, claimed: ClaimedBytes) -> Iterator[Finding]:
    """Yield each metric whose labels differ in some rows from those of every declared test set."""
    asked, unread, seen = 0, [], set()
    for index, metric in enumerate(run.metrics):
        measured = _labels_of(run, metric)
        held_out = [
            data
            for data in run.data
            if data.role in {"test", "validation", "labels"} and is_table(data) and metric.dataset in {None, data.name}
        ]
        if measured is None or measured in held_out or not held_out or measured.name in seen:
            continue
        seen.add(measured.name)
        columns = metric.from_.columns if metric.from_ is not None else None
        declared = (columns.id, columns.label) if columns is not None else (None, None)
        wrong = []
        for data in held_out:
            try:
                found = mislabelled(claimed, measured, data, declared)
            except NotApplicable:
                continue
            except Inconclusive as unanswered:
                unread.append(unanswered.reason)
                continue
            asked += 1
            wrong.append((data, found))
        # One test set that has the labels is enough: the others were not what was measured.
        if wrong and all(found is not None for _, found in wrong):
            data, found = min(wrong, key=lambda one: one[1].wrong if one[1] is not None else 0)
            if found is not None:
                yield Finding(
                    message=f"{found.wrong} of {found.rows} labels beside the predictions are not those of {data.name} "
                    f"(the first at row or id {found.example})",
                    pointer=f"/metrics/{index}/from",
                    fix="take the labels from the test data when predictions are written, and record the run again",
                )
    if unread:
        raise Inconclusive("; ".join(unread))
    if not asked:
        raise NotApplicable("no metric is measured against labels of its own that the test data have, too")


def _labels_of(run: Run, metric: Metric) -> Artifact | DataSource | None:
    """The declared table that holds the labels of a metric: apart, or beside the predictions."""
    named = (metric.from_.labels or metric.from_.predictions) if metric.from_ is not None else None
    claims: tuple[Artifact | DataSource, ...] = (*run.artifacts, *run.data)
    return next((claim for claim in claims if named is not None and named in {claim.name, claim.path}), None)
