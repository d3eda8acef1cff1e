"""Flags a run whose manifest was found before and is in none of the stores any more.

## Why it matters
A run that vanished takes its promises along: nobody can say any more what the model that it made
rests on. Runs are superseded, never removed.

## How to fix
Bring the manifest back from a clone or a backup, and let the run that replaces it say so
(`auditor record --supersedes DIGEST`).

## When it cannot decide
Never: a store either has the manifest or has not. A store that cannot be read is said, and loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, Past, Rule, Severity

RULE: Final = Rule(
    id="artifacts/lost",
    summary="A run that was found before and is in none of the stores any more.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(past: Past) -> Iterator[Finding]:
    """Yield each lost manifest, with where it was."""
    for one in past.lost:
        yield Finding(
            message=one.message,
            fix="bring it back from a clone or a backup; a run is superseded, never removed",
            file=one.file,
        )
