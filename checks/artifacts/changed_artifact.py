"""Flags an artifact whose bytes are missing or are not the bytes that were recorded.

## Why it matters
The weights that are shipped must be the weights that the run wrote. A file that was replaced after
the run, or that is not there, is not the run's result.

## How to fix
Commit the files that the run wrote, together with its manifest, or record the run again. An
artifact kept elsewhere needs a `uri` instead of a `path`.

## When it cannot decide
When an artifact is kept outside the repository and no store is configured that holds it, or when
the manifest gives a reason why it has no digest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import (
    Artifact,
    ClaimedBytes,
    EvidenceLevel,
    Finding,
    Inconclusive,
    Located,
    NotApplicable,
    Rule,
    Run,
    Severity,
)

RULE: Final = Rule(
    id="artifacts/changed-artifact",
    summary="An artifact whose bytes are missing or not the recorded ones.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)

_FIX = "commit the files that the run wrote, or record the run again"


def check(run: Run, claimed: ClaimedBytes) -> Iterator[Finding | EvidenceLevel]:
    """Yield the artifacts that are missing, undigested, or differ in digest or size when re-hashed."""
    if not run.artifacts:
        raise NotApplicable("the run declares no artifacts")
    unseen = []
    for index, artifact in enumerate(run.artifacts):
        pointer = f"/artifacts/{index}"
        reason = run.why_unavailable(f"{pointer}/digest")
        if artifact.digest is None and reason is None:
            yield Finding(message=f"artifact {artifact.name!r} has no digest", pointer=pointer, fix=_FIX)
        elif artifact.digest is None:
            unseen.append(f"{artifact.name}: {reason}")
        else:
            try:
                yield from _differences(artifact, claimed.locate(artifact), pointer)
            except Inconclusive as unanswered:
                if artifact.path is None:
                    unseen.append(f"{artifact.name}: {unanswered.reason}")
                else:
                    yield Finding(message=unanswered.reason, pointer=f"{pointer}/path", fix=_FIX)
    if unseen:
        raise Inconclusive("; ".join(unseen))


def _differences(artifact: Artifact, found: Located, pointer: str) -> Iterator[Finding | EvidenceLevel]:
    if found.level is not EvidenceLevel.RECOMPUTED:
        yield found.level
    if found.digest != artifact.digest:
        yield Finding(
            message=f"{found.path} in the {found.where} hashes to {found.digest[:19]}..., "
            f"the manifest says {(artifact.digest or '')[:19]}...",
            pointer=f"{pointer}/digest",
            fix=_FIX,
        )
    elif artifact.size is not None and artifact.size != found.size:
        yield Finding(
            message=f"{found.path} has {found.size} bytes, the manifest says {artifact.size}",
            pointer=f"{pointer}/size",
            fix=_FIX,
        )
