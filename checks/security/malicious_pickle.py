"""Flags a pickle that would start programs, open connections or evaluate text when it is loaded.

## Why it matters
A pickle is a program. One that imports `os.system` or `builtins.exec` is not a model, whatever else
it holds; whoever loads it has run it. The auditor reads its instructions and never executes them.

## How to fix
Delete the file, find out who put it there, and record the run again from known code. Models that
only need their own classes are not flagged; save them as skops, safetensors or ONNX all the same.

## When it cannot decide
Files that are not here, or are packed in a way that is not looked into, are not asked. A program can
hide from a reader: the absence of this finding does not make a pickle safe.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from auditor.api import (
    Artifact,
    ClaimedBytes,
    DataSource,
    EvidenceLevel,
    Finding,
    Inconclusive,
    NotApplicable,
    Rule,
    Run,
    Severity,
    dangerous_imports,
)

RULE: Final = Rule(
    id="security/malicious-pickle",
    summary="A pickle that would start programs or evaluate text when it is loaded.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)

_PICKLED = frozenset({".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".bin", ".dill", ".cloudpickle"})


def check(run: Run, claimed: ClaimedBytes) -> Iterator[Finding]:
    """Yield each artifact, and each data set, whose pickles import what no model needs."""
    claims: list[tuple[str, Artifact | DataSource]] = [(f"/artifacts/{i}", a) for i, a in enumerate(run.artifacts)]
    claims += [(f"/data/{i}", data) for i, data in enumerate(run.data)]
    left_out, asked = [], 0
    for pointer, claim in claims:
        if PurePosixPath(claim.path or "").suffix.lower() not in _PICKLED:
            continue
        try:
            found = dangerous_imports(claimed.file(claim))
        except (Inconclusive, NotApplicable) as unanswered:
            left_out.append(f"{claim.name}: {unanswered.reason}")
            continue
        asked += 1
        if found:
            yield Finding(
                message=f"{claim.path} would import {', '.join(found[:5])} when it is loaded",
                pointer=pointer,
                fix="do not load it; delete it, and record the run again from known code",
            )
    if not asked:
        raise NotApplicable("; ".join(left_out) or "the run has no pickles")
