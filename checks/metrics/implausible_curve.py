"""Flags a trace of metrics that no training run leaves behind.

## Why it matters
A curve is harder to invent than a figure. One that holds NaN, whose steps run backwards, whose last
value is not the one claimed, or whose log loss starts far from ln C for C classes was pasted
together, or shows a run that broke.

## How to fix
Record the run again with the trace that it writes. A run that starts from trained weights names them
under `lineage`; its loss may start anywhere.

## When it cannot decide
When the trace is not here with the recorded bytes, or is no table (CSV, JSON lines).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from auditor.api import (
    Agreement,
    ClaimedBytes,
    Curve,
    EvidenceLevel,
    Finding,
    Inconclusive,
    NotApplicable,
    Rule,
    Rules,
    Run,
    Severity,
    compare_metric,
    curves,
    distinct,
    is_table,
    metric_tolerance,
)

RULE: Final = Rule(
    id="metrics/implausible-curve",
    summary="A trace of metrics that no training run leaves behind.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)

_FAR = 5.0
_FIX = "record the run again with the trace that it writes"


def check(run: Run, claimed: ClaimedBytes, rules: Rules) -> Iterator[Finding]:
    """Yield what is wrong with each curve of each trace."""
    traces = [(index, artifact) for index, artifact in enumerate(run.artifacts) if artifact.role == "trace"]
    if not traces:
        raise NotApplicable("the run declares no trace of metrics")
    classes = _classes(run, claimed)
    unread = []
    for index, artifact in traces:
        try:
            found = curves(claimed, artifact)
        except Inconclusive as unanswered:
            unread.append(unanswered.reason)
            continue
        for curve in found:
            for message in (*_shape(curve, classes), *_contradicted(run, curve, rules)):
                yield Finding(message=message, pointer=f"/artifacts/{index}", fix=_FIX)
    if unread:
        raise Inconclusive("; ".join(unread))


def _shape(curve: Curve, classes: int | None) -> Iterator[str]:
    broken = sum(not math.isfinite(value) for value in curve.values)
    if broken:
        yield f"{curve.name} is not finite at {broken} of {len(curve.values)} steps"
    if any(later < earlier for earlier, later in pairwise(curve.steps)):
        yield f"the steps of {curve.name} run backwards"
    if classes is None or not curve.is_log_loss or curve.at(0) is None:
        return
    first, expected = curve.at(0) or 0.0, math.log(classes)
    if math.isfinite(first) and not expected / _FAR <= first <= expected * _FAR:
        yield f"{curve.name} starts at {first:.4g}; knowing nothing of {classes} classes gives {expected:.4g}"


def _contradicted(run: Run, curve: Curve, rules: Rules) -> Iterator[str]:
    for metric in run.metrics:
        written = curve.at(metric.step) if metric.name == curve.name and metric.step is not None else None
        if metric.value is None or written is None:
            continue
        tolerance = metric_tolerance(rules.policy.tolerances, metric.name)
        if compare_metric(metric.name, metric.value, written, tolerance).agreement is Agreement.DIVERGED:
            yield f"{metric.name} is claimed as {metric.value!r} at step {metric.step}, the trace has {written!r}"


def _classes(run: Run, claimed: ClaimedBytes) -> int | None:
    """How many labels the training data have; None where that is not known, or the run did not start from nothing."""
    if run.lineage is not None and run.lineage.parents:
        return None
    for data in run.data:
        label = data.columns.label if data.columns is not None else None
        if data.role == "train" and label is not None and is_table(data):
            try:
                found = len(distinct(claimed, data, label))
            except Inconclusive:
                continue
            return found if 1 < found <= 10_000 else None
    return None
