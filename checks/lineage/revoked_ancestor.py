"""Flags a deployment that descends from something revoked.

## Why it matters
A leak found in a data set concerns every model that was trained on it, also the one that was
approved before anybody knew.

## How to fix
Train again on the corrected data, with `--supersedes`, and deploy that run.

## When it cannot decide
When a parent is known by nothing but its digest: what it was made from, and whether that was
revoked, nobody can say. It is then listed, and lineage/dangling-parent says where.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import Deployment, EvidenceLevel, Finding, Rule, Severity

RULE: Final = Rule(
    id="lineage/revoked-ancestor",
    summary="A deployment that descends from something revoked.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(deployment: Deployment) -> Iterator[Finding]:
    """Yield each revoked ancestor."""
    for remark in deployment.revoked:
        yield Finding(message=remark.message, fix="train again without it, and deploy that run instead")
