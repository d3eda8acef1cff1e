"""Flags an alias that leads to a version which no promotion on record put there.

## Why it matters
A registry lets an alias move first and tells afterwards, if at all. What serves `champion` then serves
something that no gate has seen.

## How to fix
Promote through the gate: `auditor promote models:/NAME/V --alias A`. `auditor rollback NAME` names the
last version whose verdict is still valid.

## When it cannot decide
Never: promotions are entries of the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import Deployment, EvidenceLevel, Finding, NotApplicable, Rule, Severity

RULE: Final = Rule(
    id="registry/moved-alias",
    summary="An alias that leads to a version which no promotion on record put there.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(deployment: Deployment) -> Iterator[Finding]:
    """Yield each such alias."""
    version = deployment.registered
    if version is None:
        raise NotApplicable("no registry version is deployed (--model)")
    for remark in version.moved:
        yield Finding(message=remark.message, fix="auditor promote models:/NAME/V --alias A, which asks the gate first")
