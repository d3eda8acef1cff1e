"""Flags a metric that is not what the run's own metrics file says.

## Why it matters
The file was written by the run, the manifest is what people read. Where the two differ, one of them
was edited. Recomputation (metrics/wrong-metric) and re-execution decide which; this check says so where
neither is possible.

## How to fix
Record the run again with `--metrics FILE`; the recorder copies the figures, nobody types them.

## When it cannot decide
A file that is not here with the recorded bytes, is not JSON, or has no figure under the name of a
metric is not asked; `artifacts/changed-artifact` speaks about missing and changed files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import (
    Agreement,
    ClaimedBytes,
    EvidenceLevel,
    Finding,
    Inconclusive,
    NotApplicable,
    Rule,
    Rules,
    Run,
    Severity,
    compare_metric,
    form_of,
    is_ignored,
    metric_tolerance,
    written_figures,
)

RULE: Final = Rule(
    id="metrics/contradicting-file",
    summary="A metric that is not what the run's own metrics file says.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(run: Run, claimed: ClaimedBytes, rules: Rules) -> Iterator[Finding]:
    """Yield each metric for which the metrics file, read afresh, has another figure under the same name."""
    files = [artifact for artifact in run.artifacts if artifact.role == "metrics" and form_of(artifact) == "json"]
    if not files or not run.metrics:
        raise NotApplicable("the run has no metrics together with a metrics file in JSON")
    figures: dict[str, float] = {}
    left_out = []
    for artifact in files:
        try:
            figures |= written_figures(claimed, artifact)
        except Inconclusive as unanswered:
            left_out.append(unanswered.reason)
    names = [metric.name for metric in run.metrics if metric.name in figures]
    compared = 0
    for index, metric in enumerate(run.metrics):
        tolerances = rules.policy.tolerances
        written = figures.get(metric.name)
        # A name given twice, for two splits or steps, does not say which of the two the file means.
        if metric.value is None or written is None or names.count(metric.name) > 1 or is_ignored(tolerances, metric.name):
            continue
        compared += 1
        answer = compare_metric(metric.name, metric.value, written, metric_tolerance(tolerances, metric.name))
        if answer.agreement is Agreement.DIVERGED:
            yield Finding(
                message=f"{metric.name} is claimed as {metric.value!r}, the run wrote {written!r}",
                pointer=f"/metrics/{index}/value",
                fix="record the run again with --metrics; the recorder copies the figures",
            )
    if not compared:
        raise NotApplicable("; ".join(left_out) or "the metrics file has no figure under the name of a metric")
