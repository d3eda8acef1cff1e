"""Flags a tolerance that would accept a model which learned nothing.

## Why it matters
A comparison that cannot fail proves nothing. A tolerance of 0.5 on an accuracy lets a constant
predictor pass for the trained model, and passes quietly for years.

## How to fix
Narrow the tolerance of the metric in the policy, below the distance between the model and the replica
that is named. `auditor explain reproduction/diverged-reproduction` says what to do when honest runs
differ by more.

## When it cannot decide
When no metric can be recomputed, so that no known-bad replica can be sent through the comparison.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, Measured, NotApplicable, Rule, Rules, Run, Severity, claims_metrics

RULE: Final = Rule(
    id="metrics/powerless-tolerance",
    summary="A tolerance that would accept a model which learned nothing.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, measured: Measured, rules: Rules) -> Iterator[Finding]:
    """Yield the tolerances that accept a constant predictor or permuted predictions."""
    claims_metrics(run)
    powers = measured.power(rules.policy.tolerances, rules.bands)
    if not powers:
        raise NotApplicable("no metric can be recomputed here (see metrics/unrecomputable-metric)")
    if not any(replica.exercised for _, power in powers for replica in power.replicas):
        raise NotApplicable("the known-bad replicas have the run's own metrics, so that no tolerance can tell them apart")
    for members, power in powers:
        names = ", ".join(run.metrics[index].name for index in members)
        for replica in power.replicas:
            if replica.exercised and not replica.rejected:
                yield Finding(
                    message=f"the tolerance of {names} accepts the {replica.name} predictions ({replica.note})",
                    pointer=f"/metrics/{members[0]}",
                    fix="narrow the metric's tolerance in the policy, or learn its band from more repeats",
                )
