"""Flags a manifest that cannot be read.

## Why it matters
A manifest that two readers would understand differently, or that none can read, claims nothing that
could be verified. Duplicate keys, tags, non-finite numbers and values that YAML dialects disagree
about are refused for that reason.

## How to fix
Mend the line that is named, or record the run again; `auditor record` writes manifests that every
reader reads alike.

## When it cannot decide
Never: a manifest is read or it is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, Manifest, Rule, Severity

RULE: Final = Rule(
    id="schema/unreadable-manifest",
    summary="A manifest that cannot be read.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(manifest: Manifest) -> Iterator[Finding]:
    """Yield why the manifest cannot be read."""
    error = manifest.error
    if error is not None:
        place = f" (column {error.column})" if error.column is not None else ""
        yield Finding(
            message=f"{error.message}{place}",
            fix=error.hint or "mend the manifest, or record the run again",
            file=manifest.path,
            line=error.line,
        )
