"""Flags a deployment that no judge's verdict stands behind.

## Why it matters
Whoever can write files can write a verdict. Only one that is signed by a judge whom the default
branch's policy names, about these bytes, under these rules and not too old, may let a model out.

## How to fix
Let the judge run `auditor gate deploy` (or `gate merge`) with its key. When the newest verdict is
not open, mend what it names.

## When it cannot decide
When no verdict on record counts: none is there, or those that are there are unsigned, too old, or
given under another policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import Deployment, EvidenceLevel, Finding, Inconclusive, NotApplicable, Rule, Severity

RULE: Final = Rule(
    id="governance/missing-verdict",
    summary="A deployment that no verdict of a trusted judge stands behind.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(deployment: Deployment) -> Iterator[Finding]:
    """Yield the judge's verdict when it is not open."""
    if not deployment.needs_verdict:
        raise NotApplicable("the policy names no judges; this gate has judged by itself")
    if deployment.verdict is None:
        raise Inconclusive(deployment.no_verdict or "no verdict of a judge is on record")
    if deployment.verdict != "open":
        yield Finding(
            message=f"the newest verdict of a judge about this run is {deployment.verdict}",
            fix="mend what that verdict names (`auditor ledger log`), and have the run judged again",
        )
