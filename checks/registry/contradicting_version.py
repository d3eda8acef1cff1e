"""Flags a registry version that says otherwise than its manifest.

## Why it matters
People choose by what the registry shows. A metric that was edited there, or a version that was tied to
another run, is an advertisement for something else.

## How to fix
Register the manifest again, so that the registry shows what was recorded.

## When it cannot decide
Never: what the registry does not say is not compared, and no digest of it is believed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import Deployment, EvidenceLevel, Finding, NotApplicable, Rule, Severity

RULE: Final = Rule(
    id="registry/contradicting-version",
    summary="A registry version whose run, parameters, metrics or source say otherwise than its manifest.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(deployment: Deployment) -> Iterator[Finding]:
    """Yield each value that differs."""
    version = deployment.registered
    if version is None:
        raise NotApplicable("no registry version is deployed (--model)")
    for remark in version.contradictions:
        yield Finding(
            message=remark.message, pointer=remark.pointer, fix="register the manifest again: auditor register MANIFEST"
        )
