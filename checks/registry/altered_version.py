"""Flags a registry version whose files are no longer what was registered.

## Why it matters
A registry keeps names, not bytes. Whoever can write to its store can put another file under an
approved version, and nothing in the registry changes.

## How to fix
Register the run again (`auditor register`), and find out who wrote to the store.

## When it cannot decide
When no registration of this version is on record.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import Deployment, EvidenceLevel, Finding, Inconclusive, NotApplicable, Rule, Severity

RULE: Final = Rule(
    id="registry/altered-version",
    summary="A registry version whose files are no longer what was registered.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(deployment: Deployment) -> Iterator[Finding]:
    """Yield each file that was overwritten, added or taken away."""
    version = deployment.registered
    if version is None:
        raise NotApplicable("no registry version is deployed (--model)")
    for remark in version.overwritten:
        yield Finding(message=remark.message, fix="register the run again, and find out who wrote to the registry's store")
    if version.unanswered is not None:
        raise Inconclusive(version.unanswered)
