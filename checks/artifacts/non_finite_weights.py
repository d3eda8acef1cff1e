"""Flags weights that are not numbers: NaN anywhere, or nothing but infinity.

## Why it matters
Training that diverged leaves NaN in nearly every tensor; one that broke in one layer leaves it in a
few. The file loads, and the model answers with nothing.

## How to fix
Find the step at which the loss stopped being finite (a lower learning rate, clipped gradients), and
record the run again. Masks and thresholds of infinity among finite values are no defect.

## When it cannot decide
When the file is damaged. Files that are not here, pickles and formats without a reader are not
asked; `security/unsafe-format` and `artifacts/changed-artifact` speak about them.
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
    Run,
    Severity,
    non_finite,
)

RULE: Final = Rule(
    id="artifacts/non-finite-weights",
    summary="Weights that are not numbers.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, claimed: ClaimedBytes) -> Iterator[Finding]:
    """Yield each tensor of weights and checkpoints that holds NaN, or nothing but infinity."""
    unread, left_out, asked = [], [], 0
    for index, artifact in enumerate(run.artifacts):
        if artifact.role not in {"weights", "checkpoint"}:
            continue
        try:
            path = claimed.file(artifact)
        except Inconclusive as unanswered:
            left_out.append(f"{artifact.name}: {unanswered.reason}")
            continue
        try:
            found = non_finite(path)
        except NotApplicable as unanswered:
            left_out.append(f"{artifact.name}: {unanswered.reason}")
            continue
        except Inconclusive as unanswered:
            unread.append(f"{artifact.name}: {unanswered.reason}")
            continue
        asked += 1
        for one in found:
            if one.nan or one.infinite == one.elements:
                what = f"{one.nan} of {one.elements} elements are NaN" if one.nan else "every element is infinite"
                yield Finding(
                    message=f"{artifact.name}: {what} in tensor {one.tensor!r}",
                    pointer=f"/artifacts/{index}",
                    fix="find the step at which training diverged, and record the run again",
                )
    if unread:
        raise Inconclusive("; ".join(unread))
    if not asked:
        raise NotApplicable("; ".join(left_out) or "the run declares no weights")
