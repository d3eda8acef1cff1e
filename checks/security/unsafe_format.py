"""Flags an artifact in a format that runs code when it is loaded.

## Why it matters
A pickle is a program. Whoever loads the model runs what its author, or whoever replaced the file,
put into it. The auditor never loads one; it hashes the file, and two that differ cannot be compared
any further.

## How to fix
Save weights as safetensors, npz or ONNX, and scikit-learn models with skops. Record predictions
beside the model, so that results can be compared without loading it.

## When it cannot decide
When the bytes are not here and the name has no suffix that would tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from auditor.api import Artifact, ClaimedBytes, EvidenceLevel, Finding, Inconclusive, NotApplicable, Rule, Run, Severity

RULE: Final = Rule(
    id="security/unsafe-format",
    summary="An artifact in a format that runs code when it is loaded.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)

_PICKLED = frozenset({".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".bin"})
_PICKLE_PROTOCOLS = range(2, 6)


def check(run: Run, claimed: ClaimedBytes) -> Iterator[Finding | EvidenceLevel]:
    """Yield the artifacts that are pickles by name or by their first bytes."""
    if not run.artifacts:
        raise NotApplicable("the run declares no artifacts")
    unknown = []
    for index, artifact in enumerate(run.artifacts):
        name = artifact.path or artifact.uri or artifact.name
        suffix = PurePosixPath(name).suffix.lower()
        pickled = suffix in _PICKLED or _starts_like_a_pickle(claimed, artifact)
        if pickled is None:
            yield EvidenceLevel.DECLARED
            unknown += [] if suffix else [f"{name}: its bytes are not here, and its name does not tell its format"]
        elif pickled:
            yield Finding(
                message=f"{name} runs code when it is loaded",
                pointer=f"/artifacts/{index}",
                fix="save it as safetensors, npz, ONNX or skops, and record predictions beside it",
            )

    if unknown:
        raise Inconclusive("; ".join(unknown))


def _starts_like_a_pickle(claimed: ClaimedBytes, artifact: Artifact) -> bool | None:
    try:
        file = claimed.file(artifact)
    except Inconclusive:
        return None
    with file.open("rb") as stream:
        start = stream.read(2)
    return len(start) == len(b"\x80\x04") and start[0] == 0x80 and start[1] in _PICKLE_PROTOCOLS  # PROTO opcode, version
