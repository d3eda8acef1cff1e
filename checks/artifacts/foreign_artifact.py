"""Flags bytes about to be deployed that the run did not produce.

## Why it matters
A verdict is about bytes. A file that was exchanged after training, or that belongs to another run, has
no verdict at all, however good its neighbour's was.

## How to fix
Deploy the file that the run produced, or record the run that produced this one. `auditor lineage
DIGEST` tells which run a file belongs to.

## When it cannot decide
Never: what ships is hashed at the moment of the decision.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import Deployment, EvidenceLevel, Finding, Rule, Severity

RULE: Final = Rule(
    id="artifacts/foreign-artifact",
    summary="Bytes about to be deployed that the run did not produce.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(deployment: Deployment) -> Iterator[Finding]:
    """Yield each file whose digest is none of the run's artifacts."""
    for shipped in deployment.artifacts:
        if not shipped.declared:
            yield Finding(
                message=f"{shipped.name} is {shipped.digest}, which is no artifact of this run",
                pointer="/artifacts",
                fix="deploy the bytes that the run produced; `auditor lineage DIGEST` tells whose these are",
            )
