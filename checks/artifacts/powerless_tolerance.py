"""Flags a tolerance for weights that would accept a model of zeros.

## Why it matters
A comparison that cannot fail proves nothing. A tolerance wider than the weights themselves accepts
any weights of that size, trained or not, and every replacement of them.

## How to fix
Narrow the pair in `tolerances.tensors`, or leave it to `auto`, which knows the number formats.

## When it cannot decide
Never: weights that cannot be read here (pickles, formats without a reader, bytes that are elsewhere)
are not asked; whether they are what they should be is asked by other checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import (
    ClaimedBytes,
    EvidenceLevel,
    Finding,
    Inconclusive,
    NotApplicable,
    Rule,
    Rules,
    Run,
    Severity,
    accepts_zeros,
)

RULE: Final = Rule(
    id="artifacts/powerless-tolerance",
    summary="A tolerance for weights that would accept a model of zeros.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, claimed: ClaimedBytes, rules: Rules) -> Iterator[Finding]:
    """Yield the weights that the policy's own tolerance cannot tell from zeros."""
    weights = [(index, artifact) for index, artifact in enumerate(run.artifacts) if artifact.role == "weights"]
    if not weights:
        raise NotApplicable("the run declares no weights")
    reasons = []
    asked = False
    for index, artifact in weights:
        try:
            powerless = accepts_zeros(claimed.file(artifact), rules.policy.tolerances)
        except (NotApplicable, Inconclusive) as unanswered:
            reasons.append(f"{artifact.name}: {unanswered.reason}")
            continue
        asked = True
        if powerless:
            yield Finding(
                message=f"the tolerance for tensors accepts zeros in place of {artifact.path}",
                pointer=f"/artifacts/{index}",
                fix="narrow the pair in `tolerances.tensors`, or leave it to `auto`",
            )
    if not asked:
        raise NotApplicable("; ".join(reasons))
