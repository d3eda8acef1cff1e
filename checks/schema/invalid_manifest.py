"""Flags a manifest that its schema refuses.

## Why it matters
Every later check reads fields by name. An unknown key is a claim that nobody verifies; a digest
that is all zeros, of another length, or of no bytes at all identifies nothing.

## How to fix
Give the named field the form that is asked for. A value that cannot be given any more belongs under
`unavailable`, with its JSON Pointer and the reason; inventing one is what this check is for.

## When it cannot decide
When the manifest cannot be read at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, Manifest, Rule, Severity

RULE: Final = Rule(
    id="schema/invalid-manifest",
    summary="A manifest that its schema refuses.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(manifest: Manifest) -> Iterator[Finding]:
    """Yield each violation with its place."""
    for violation in manifest.violations:
        yield Finding(message=violation.message, pointer=violation.pointer, fix=violation.fix)
