"""Flags a change that asks the gate for less.

## Why it matters
Whoever is judged must not choose the rules. A tolerance widened in the branch that needs it is not
a tolerance.

## How to fix
Propose the looser rule in a change of its own, and have an owner named in the base's `trust.owners`
approve it. A repository without owners relies on its review rules; the finding is then minor, and
says so.

## When it cannot decide
Never: both policies are at hand, or the head's is invalid (see governance/invalid-policy).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import Change, EvidenceLevel, Finding, NotApplicable, Rule, Severity

RULE: Final = Rule(
    id="governance/loosened-policy",
    summary="A change that asks the gate for less.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(change: Change) -> Iterator[Finding]:
    """Yield each loosened entry of the policy."""
    if not change.policy_changed:
        raise NotApplicable("the policy is unchanged")
    for remark in change.loosened:
        yield Finding(
            message=remark.message,
            pointer=remark.pointer,
            file=remark.file,
            line=remark.line,
            fix="propose it in a change of its own and have an owner of the base policy approve it",
        )
