"""Flags a change in which more findings are waived than the policy allows at once.

## Why it matters
Each waiver is reasonable by itself. Together they can excuse a run from everything, and nobody
decided that.

## How to fix
Mend some of what was waived, or have an owner raise `max-waivers` in a change of its own.

## When it cannot decide
Never: waived findings are counted. Without `max-waivers` the question does not arise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import Change, EvidenceLevel, Finding, NotApplicable, Rule, Severity

RULE: Final = Rule(
    id="governance/excessive-waivers",
    summary="More findings are waived at once than the policy allows.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(change: Change) -> Iterator[Finding]:
    """Yield one finding with both numbers."""
    if change.max_waivers is None:
        raise NotApplicable("the policy sets no limit (max-waivers)")
    if change.waived > change.max_waivers:
        yield Finding(
            message=f"{change.waived} findings are waived; the policy allows {change.max_waivers}",
            fix="mend some of what is waived",
        )
