"""Flags an accuracy that no set of predictions can have.

## Why it matters
An accuracy over 1,000 rows is a whole number of thousandths: 0.8734 cannot come out, whatever the model.
Such a figure was typed in, carried over from another run, or computed over other rows than the run says,
and it takes no file and no re-execution to see it.

## How to fix
Record the run again, so that the figure and the number of rows belong together. When the accuracy counts
something else than rows (tokens, pixels, the mean of several folds), say so in the metric's `kind`, such as
`token_accuracy`. When it was computed on other data, name the metric's `split` or `dataset`.

## When it cannot decide
When the number of rows that the accuracy was computed over is not recorded, or the metric is an average: then
every figure is possible and the check does not apply. The tolerance is half a unit of the printed precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Final

from auditor.api import (
    EvidenceLevel,
    Finding,
    Metric,
    NotApplicable,
    Rule,
    Run,
    Severity,
    claims_metrics,
    grim,
    is_share_of_rows,
)

RULE: Final = Rule(
    id="metrics/impossible-score",
    summary="An accuracy that no set of predictions can have.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)

# How a split is called, by the role of the data that it is computed on.
_ROLES: Final = {
    "test": "test",
    "eval": "test",
    "holdout": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "train": "train",
    "training": "train",
}


def check(run: Run) -> Iterator[Finding]:
    """Yield the accuracies that are no whole number of any of the rows they may have been computed over."""
    claims_metrics(run)
    judged = 0
    for index, metric in enumerate(run.metrics):
        sizes = _sizes(run, metric) if metric.value is not None and is_share_of_rows(metric) else []
        if metric.value is None or not sizes:
            continue
        judged += 1
        answers = [grim(metric.value, rows) for rows in sizes]
        if not any(answer.possible for answer in answers):
            nearest = answers[0]
            yield Finding(
                message=(
                    f"{metric.name} is {metric.value!r}, which is no share of {nearest.n} rows:"
                    f" the nearest are {nearest.below:.10g} and {nearest.above:.10g}"
                ),
                pointer=f"/metrics/{index}/value",
                fix="record the run again; or name what is counted in the metric's kind, or its data in split or dataset",
            )
    if not judged:
        raise NotApplicable("no accuracy is claimed over a known number of rows")


def _sizes(run: Run, metric: Metric) -> list[int]:
    """The numbers of rows that an accuracy may be over, most likely first; none when one of them is not recorded."""
    named = {metric.dataset, *((metric.from_.labels,) if metric.from_ is not None else ())} - {None}
    data = [source for source in run.data if source.name in named or source.path in named]
    if not data:
        # Without a word about the data an accuracy is that of the test data, or else of other data that was held out.
        words = [metric.split or "", *metric.name.lower().replace("/", "_").split("_")]
        roles = [_ROLES[word] for word in words if word in _ROLES][:1] or ["test", "validation"]
        data = [source for role in roles for source in run.data if source.role == role]
    known = [source.records for source in data if source.records]
    if not known or len(known) < len(data):
        return []
    # Several test sets may have been judged together.
    return [sum(some) for count in range(1, min(len(known), 4) + 1) for some in combinations(known, count)]
