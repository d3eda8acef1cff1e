"""Flags a metric that nobody can recompute.

## Why it matters
A figure that only the training script ever computed is believed, not verified.

## How to fix
Write the predictions to a table with the columns `id`, `label` and `prediction` and declare it
(`auditor record --out out/predictions.csv`); the recorder fills in the rest.

## When it cannot decide
When the manifest says why it is not known what a metric was computed from, as an imported one does.
Metrics that the policy ignores are not asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import (
    EvidenceLevel,
    Finding,
    Inconclusive,
    Measured,
    Rule,
    Rules,
    Run,
    Severity,
    claims_metrics,
    is_ignored,
)

RULE: Final = Rule(
    id="metrics/unrecomputable-metric",
    summary="A metric that nobody can recompute.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, measured: Measured, rules: Rules) -> Iterator[Finding]:
    """Yield the metrics that cannot be recomputed, each with the reason."""
    claims_metrics(run)
    unsaid = None
    for index, metric in enumerate(run.metrics):
        if is_ignored(rules.policy.tolerances, metric.name):
            continue
        try:
            measured.metric(index)
        except Inconclusive as unanswered:
            if reason := run.why_unavailable(f"/metrics/{index}/from"):
                unsaid = f"{metric.name}: {reason}"
                continue
            yield Finding(
                message=unanswered.reason,
                pointer=f"/metrics/{index}",
                fix="declare a table of predictions with --out, and labels with --labels or in the test data",
            )
    if unsaid is not None:
        raise Inconclusive(unsaid)
