"""Flags a merged manifest that was changed or deleted.

## Why it matters
A run is what happened; what happened does not change. A manifest that can be edited after it was
merged can be made to agree with anything later.

## How to fix
Restore the manifest. To replace a run, record a new one that supersedes it (`auditor record
--supersedes DIGEST --reason TEXT`). Moving a manifest, or writing the same content in another
order, changes nothing and is fine.

## When it cannot decide
Never: base and head are both at hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import Change, EvidenceLevel, Finding, Rule, Severity

RULE: Final = Rule(
    id="governance/rewritten-run",
    summary="A merged manifest that was changed or deleted.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(change: Change) -> Iterator[Finding]:
    """Yield each merged manifest that the change rewrites."""
    for remark in change.rewritten:
        yield Finding(
            message=remark.message,
            file=remark.file,
            line=remark.line,
            fix="restore it, and record a new run that supersedes it when something is to be corrected",
        )
