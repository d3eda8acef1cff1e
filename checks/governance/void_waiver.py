"""Flags a waiver that was asked for but does not hold.

## Why it matters
An exception without an end, an owner or a rule that it is bound to becomes the rule. A waiver that
expired is a defect that somebody once promised to mend.

## How to fix
Mend what was waived, or have the waiver renewed in the base's policy, with a day, an owner, a reason
and the digest of the rule.

## When it cannot decide
Never: waivers are data.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import Change, EvidenceLevel, Finding, Rule, Severity

RULE: Final = Rule(
    id="governance/void-waiver",
    summary="A waiver that was asked for but does not hold.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(change: Change) -> Iterator[Finding]:
    """Yield the waivers that excuse nothing any more."""
    for remark in change.waivers:
        yield Finding(
            message=remark.message,
            pointer=remark.pointer,
            file=remark.file,
            line=remark.line,
            fix="mend what was waived, or renew the waiver in the base's policy",
        )
