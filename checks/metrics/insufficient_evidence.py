"""Flags a claim that is established at a lower level than the gate requires.

## Why it matters
A gate that asks for recomputed metrics must not open for declared ones. What was merely written down
looks exactly like what was verified, until somebody asks how it is known.

## How to fix
Record predictions, so that metrics can be recomputed, and a reproduction, so that they can be
re-executed; or lower `require` in the policy, knowingly.

## When it cannot decide
When a re-execution that would establish the claim could not be made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import (
    ClaimedBytes,
    EvidenceLevel,
    Finding,
    Measured,
    NotApplicable,
    Reproductions,
    Rule,
    Rules,
    Run,
    Severity,
    established,
)

RULE: Final = Rule(
    id="metrics/insufficient-evidence",
    summary="A claim that is established at a lower level than the gate requires.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.RE_EXECUTED,
    since="0.1.0",
)


def check(
    run: Run, measured: Measured, claimed: ClaimedBytes, reproductions: Reproductions, rules: Rules
) -> Iterator[Finding | EvidenceLevel]:
    """Yield each metric, and each weights file, that did not reach the least level required."""
    if not rules.require:
        raise NotApplicable("no level of evidence is required here")
    if run.run.status != "succeeded":
        raise NotApplicable(f"the run {run.run.status}; it claims no result")
    reached = established(run, measured, claimed, reproductions, rules)
    for one in reached:
        kind, _, name = one.claim.partition(":")
        least = min(rules.require["metrics" if kind == "metric" else kind])
        if one.level < least:
            yield Finding(
                message=f"{name} is {one.level}; the gate requires {least}",
                pointer=one.pointer,
                fix="record predictions and a reproduction, so that the claim can be established by others",
            )
    yield min((one.level for one in reached), default=EvidenceLevel.DECLARED)
