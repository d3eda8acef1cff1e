"""Flags a run whose environment no lock file describes.

## Why it matters
A list of versions says what was installed; a lock file with hashes says how to install it again,
byte for byte.

## How to fix
Write one (`uv pip compile --generate-hashes`, `uv lock`, `poetry lock`), commit it and record with
`auditor record --lock FILE`.

## When it cannot decide
When the manifest gives a reason why there is none, or the lock is of a kind that the auditor does
not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import ClaimedBytes, EvidenceLevel, Finding, Inconclusive, Rule, Run, Severity, read_lock

RULE: Final = Rule(
    id="environment/unlocked-environment",
    summary="A run whose environment no lock file with hashes describes.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)

_FIX = "commit a lock file with hashes and record with --lock FILE"


def check(run: Run, claimed: ClaimedBytes) -> Iterator[Finding]:
    """Yield the absence of a lock, a changed one, and one without hashes."""
    if run.environment is None or run.environment.lock is None:
        if reason := run.why_unavailable("/environment/lock"):
            raise Inconclusive(reason)
        pointer = "/environment" if run.environment is not None else ""
        yield Finding(message="no lock file was recorded", pointer=pointer, fix=_FIX)
        return
    lock = run.environment.lock
    found = claimed.locate(lock)
    if lock.digest is not None and found.digest != lock.digest:
        yield Finding(message=f"{lock.path} is not the lock that was recorded", pointer="/environment/lock/digest", fix=_FIX)
        return
    if not read_lock(claimed.file(lock).read_bytes(), lock.kind or lock.path).hashed:
        yield Finding(message=f"{lock.path} pins versions but not their content", pointer="/environment/lock", fix=_FIX)
