"""Flags a value that is declared unavailable although it stands in the manifest, or without a reason.

## Why it matters
`unavailable` turns a question into "not answered, and here is why". Over a value that is there, or
with an empty reason, it is an excuse kept in stock.

## How to fix
Take the entry out of `unavailable`, or say in its reason what kept the value from being recorded.

## When it cannot decide
When the manifest cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, Manifest, NotApplicable, Rule, Run, Severity, at_pointer, escaped

RULE: Final = Rule(
    id="schema/contradicted-absence",
    summary="A value that is declared unavailable although it stands in the manifest.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, manifest: Manifest) -> Iterator[Finding]:
    """Yield each entry of ``unavailable`` that the manifest itself refutes, or that gives no reason."""
    if not run.unavailable:
        raise NotApplicable("nothing is declared unavailable")
    for pointer, reason in run.unavailable.items():
        found = at_pointer(manifest.value, pointer)
        if not reason.strip():
            message = f"{pointer} is declared unavailable without a reason"
        elif found and found[0] not in (None, [], {}):
            message = f"{pointer} is declared unavailable, but stands in the manifest"
        else:
            continue
        yield Finding(
            message=message,
            pointer=f"/unavailable/{escaped(pointer)}",
            fix="take the entry out, or say what kept the value from being recorded",
        )
