"""Flags a metric that is not what its own predictions give.

## Why it matters
A metric is the sentence by which a model is chosen. Typed in, rounded up, or left over from another
run, it is the easiest claim to get wrong and the one that everybody reads.

## How to fix
Record the run again, so that the metric and the predictions come from the same execution. When the
predictions are right and the figure differs for a reason, declare its kind and parameters.

## When it cannot decide
When the manifest does not say which predictions the metric was computed from, or those are not here
(see metrics/unrecomputable-metric).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import (
    Agreement,
    EvidenceLevel,
    Finding,
    Inconclusive,
    Measured,
    NotApplicable,
    Rule,
    Rules,
    Run,
    Severity,
    claims_metrics,
    compare_metric,
    is_rounding_of,
    metric_tolerance,
)

RULE: Final = Rule(
    id="metrics/wrong-metric",
    summary="A metric that is not what its own predictions give.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, measured: Measured, rules: Rules) -> Iterator[Finding]:
    """Yield the metrics whose recomputed value differs by more than the policy's tolerance, and not by rounding alone."""
    claims_metrics(run)
    recomputed = 0
    for index, metric in enumerate(run.metrics):
        try:
            actual = measured.metric(index)
        except Inconclusive:
            continue
        recomputed += 1
        tolerance = metric_tolerance(rules.policy.tolerances, metric.name)
        compared = compare_metric(metric.name, metric.value, actual.value, tolerance, quantum=actual.quantum)
        if compared.agreement is Agreement.DIVERGED and not is_rounding_of(metric.value or 0.0, actual.value):
            yield Finding(
                message=f"{metric.name} is claimed as {metric.value!r}, its predictions give {actual.value!r}",
                pointer=f"/metrics/{index}/value",
                fix="record the run again, so that metric and predictions come from one execution",
            )
    if not recomputed:
        raise NotApplicable("no metric names predictions that it can be recomputed from")
