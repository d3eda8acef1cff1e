"""Flags a change that leaves a policy which cannot be read.

## Why it matters
Merged, it would be the policy that judges everybody else, and none could be judged.

## How to fix
Mend the line that is named. `auditor init` writes a valid policy with each key explained.

## When it cannot decide
Never: the head's policy is valid or it is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import Change, EvidenceLevel, Finding, NotApplicable, Rule, Severity

RULE: Final = Rule(
    id="governance/invalid-policy",
    summary="A change that leaves a policy which cannot be read.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(change: Change) -> Iterator[Finding]:
    """Yield why the head's policy cannot be read."""
    if not change.policy_changed:
        raise NotApplicable("the policy is unchanged")
    for remark in change.invalid:
        yield Finding(
            message=remark.message,
            pointer=remark.pointer,
            file=remark.file,
            line=remark.line,
            fix="mend the policy; see `auditor init`",
        )
