"""Flags checkpoints that contradict the root to which the run committed itself.

## Why it matters
The Merkle root in the manifest fixes every checkpoint, every batch and every figure of the run before
anybody asks for one of them. Leaves or a trace that do not lead to this root were changed afterwards,
or belong to another run: a challenge drawn from the root would be about something else.

## How to fix
Record the run again with `--checkpoints DIR`, and commit the list of leaves beside the manifest as it
was written. Never edit either.

## When it cannot decide
When the list of leaves is not here: commit it. A trace that is not here is not looked at; replaying
segments needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import ClaimedBytes, EvidenceLevel, Finding, NotApplicable, Rule, Run, Severity, broken_commitment

RULE: Final = Rule(
    id="artifacts/broken-commitment",
    summary="Checkpoints that contradict the root in the manifest.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(run: Run, claimed: ClaimedBytes) -> Iterator[Finding]:
    """Yield the contradiction."""
    if run.checkpoints is None or run.checkpoints.root is None:
        raise NotApplicable("the run committed itself to no checkpoints")
    words = broken_commitment(run, claimed)
    if words is not None:
        fix = "record the run again with --checkpoints, and commit the list of leaves as it was written"
        yield Finding(message=words, pointer="/checkpoints/root", fix=fix)
