"""Flags a ledger that is not what was written, or not all of it.

## Why it matters
Approvals and revocations are only worth what the record is worth. An edited entry lies, and a missing
end hides the revocation that came last.

## How to fix
`auditor ledger verify` names the first broken entry; restore the ledger from a copy (`auditor ledger
pull`). Against a missing end, have checkpoints signed regularly.

## When it cannot decide
When the newest signed checkpoint is older than the policy's `ledger.max-age`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import Deployment, EvidenceLevel, Finding, Inconclusive, Rule, Severity

RULE: Final = Rule(
    id="governance/broken-ledger",
    summary="A ledger that is not what was written, or whose end may be missing.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(deployment: Deployment) -> Iterator[Finding]:
    """Yield what is wrong with the ledger."""
    for remark in deployment.broken:
        yield Finding(message=remark.message, fix="auditor ledger verify; restore the ledger from a copy")
    if deployment.stale is not None:
        raise Inconclusive(deployment.stale)
