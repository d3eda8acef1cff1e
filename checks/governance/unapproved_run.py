"""Flags a run that fewer people approved for the merge gate than the policy asks for.

## Why it matters
Where a policy asks for approvals before a run is merged, a reviewer's click is not one: it is about
a branch that can still change, by an account that says nothing about keys.

## How to fix
Have somebody who is no author of the run approve it: `auditor approve MANIFEST --gate merge --reason
TEXT`. An approval is about the manifest's digest; another manifest needs another one.

## When it cannot decide
Never: approvals are counted. With `approvals: 0` at the merge gate the question does not arise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import Change, EvidenceLevel, Finding, NotApplicable, Rule, Severity

RULE: Final = Rule(
    id="governance/unapproved-run",
    summary="A run that fewer people approved for the merge gate than the policy asks for.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(change: Change) -> Iterator[Finding]:
    """Yield each run that lacks approvals, with those that do not count and why."""
    if not change.approvals:
        raise NotApplicable("the merge gate asks for no approvals")
    for remark in change.unapproved:
        yield Finding(
            message=remark.message,
            file=remark.file,
            line=remark.line,
            fix="auditor approve MANIFEST --gate merge --reason TEXT, signed by somebody who is no author of the run",
        )
