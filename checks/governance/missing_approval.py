"""Flags a deployment that fewer people approved than the policy asks for.

## Why it matters
An approval is a person's word about exact bytes. One that was given for other bytes, by the author
under a second address, or long ago, is somebody else's word.

## How to fix
Have people other than the run's authors approve it: `auditor approve MANIFEST --gate deploy
--reason ...`, signed with a key that the policy knows. A lone maintainer sets `approvals: 0`.

## When it cannot decide
Never: approvals are entries of the ledger, and none are 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import Deployment, EvidenceLevel, Finding, NotApplicable, Rule, Severity

RULE: Final = Rule(
    id="governance/missing-approval",
    summary="A deployment that fewer people approved than the policy asks for.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(deployment: Deployment) -> Iterator[Finding]:
    """Yield how many approvals are missing, and each that does not count with the reason."""
    if not deployment.required:
        raise NotApplicable("the policy asks for no approval")
    given = len(set(deployment.approvals))
    if given < deployment.required:
        yield Finding(
            message=f"{given} of {deployment.required} approvals count",
            fix="auditor approve MANIFEST --gate deploy --reason '...', signed by somebody who is no author of the run",
        )
        for remark in deployment.void_approvals:
            yield Finding(message=remark.message, fix="have it given again, for these bytes and by somebody entitled")
