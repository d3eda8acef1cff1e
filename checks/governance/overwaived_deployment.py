"""Flags a deployment of a run in which more findings are waived than the policy allows at once.

## Why it matters
A waiver lets a merge go on while something is mended. What ships is used by people who never saw
the waivers; the deploy gate has a limit of its own, `gates.deploy.max-waivers`.

## How to fix
Mend some of what was waived and record the run again, or have an owner raise the limit.

## When it cannot decide
Never: waived findings are counted. Without `max-waivers` the question does not arise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import Deployment, EvidenceLevel, Finding, NotApplicable, Rule, Severity

RULE: Final = Rule(
    id="governance/overwaived-deployment",
    summary="More findings are waived in what ships than the policy allows.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(deployment: Deployment) -> Iterator[Finding]:
    """Yield one finding with both numbers."""
    if deployment.max_waivers is None:
        raise NotApplicable("the policy sets no limit (gates.deploy.max-waivers)")
    if deployment.waived > deployment.max_waivers:
        yield Finding(
            message=f"{deployment.waived} findings are waived; the policy allows {deployment.max_waivers}",
            fix="mend some of what is waived, and record the run again",
        )
