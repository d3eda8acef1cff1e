"""Flags locks of old runs that no package index resolves any more, or resolves to other bytes.

## Why it matters
An environment that cannot be built again ends every re-execution. Packages are yanked, indexes forget,
and a version that comes back with other bytes is another program.

## How to fix
Keep the wheels in an index or a folder of your own (`UV_INDEX_URL`, `UV_FIND_LINKS`), or lock again
and let a new run supersede the old one.

## When it cannot decide
When uv is not installed, no index answers, or the lock is not in the commit that brought the run. That
is said, and held against nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, Inconclusive, NotApplicable, Past, Rule, Severity

RULE: Final = Rule(
    id="environment/unresolvable-lock",
    summary="A lock that no index resolves any more, or to other bytes.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(past: Past) -> Iterator[Finding]:
    """Yield each package that is gone or changed, with the runs that need it."""
    if not past.locks.looked_at:
        raise NotApplicable("no run names a lock")
    for one in past.locks.gone:
        yield Finding(
            message=one.message,
            fix="keep the wheels in an index or a folder of your own (UV_FIND_LINKS), or lock again and supersede the run",
            pointer="/environment/lock",
            file=one.file,
        )
    if past.locks.unanswered:
        raise Inconclusive("; ".join(past.locks.unanswered)[:1000])
