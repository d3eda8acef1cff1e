"""Flags an artifact whose bytes are not of the format that its name or the manifest claims.

## Why it matters
A reader chooses by the name. A page that says "access denied" under the name of a model, or a pickle
called `.npz`, is found out when somebody loads it.

## How to fix
Save the file in the format that its name says, or name it for what it is, and record the run again.

## When it cannot decide
Formats that cannot be told by their first bytes, and files that are not here, are not asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import (
    TOLD_BY_BYTES,
    ClaimedBytes,
    EvidenceLevel,
    Finding,
    Inconclusive,
    NotApplicable,
    Rule,
    Run,
    Severity,
    form_of,
    is_of,
)

RULE: Final = Rule(
    id="artifacts/misdeclared-format",
    summary="An artifact whose bytes are not of the format that its name claims.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, claimed: ClaimedBytes) -> Iterator[Finding]:
    """Yield each artifact that does not begin as its format must."""
    left_out, asked = [], 0
    for index, artifact in enumerate(run.artifacts):
        form = form_of(artifact)
        if form not in TOLD_BY_BYTES:
            continue
        try:
            path = claimed.file(artifact)
        except Inconclusive as unanswered:
            left_out.append(unanswered.reason)
            continue
        asked += 1
        if path.stat().st_size and not is_of(path, form):
            yield Finding(
                message=f"{artifact.path or artifact.name} is no {form} file, whatever its name says",
                pointer=f"/artifacts/{index}",
                fix="save it in the format that its name says, and record the run again",
            )
    if not asked:
        raise NotApplicable("; ".join(left_out) or "no artifact has a format that can be told by its bytes")
