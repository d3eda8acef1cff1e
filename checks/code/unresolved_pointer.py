"""Flags a run that read Git LFS pointers where it should have read what they stand for.

## Why it matters
A clone without `git lfs pull` holds small text files in place of data and weights. A script that
skips what it cannot parse trains on nothing, quietly.

## How to fix
Install Git LFS, run `git lfs pull`, and record the run again.

## When it cannot decide
When the recorder did not observe what was read and no data are declared, or the recorded code is not
in this clone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, History, Inconclusive, NotApplicable, Rule, Run, Severity, lfs_pointer

RULE: Final = Rule(
    id="code/unresolved-pointer",
    summary="A run that read Git LFS pointers in place of the files they stand for.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, history: History) -> Iterator[Finding]:
    """Yield each file that was read, or declared as data, with the very bytes of a committed LFS pointer."""
    reads = run.observed.reads if run.observed is not None else ()
    files = [(f"/observed/reads/{i}/digest", read.path, read.digest) for i, read in enumerate(reads)]
    files += [(f"/data/{i}/digest", data.path, data.digest) for i, data in enumerate(run.data) if data.path]
    if not files:
        raise NotApplicable("the run names no file that it read")
    source = history.source(run)
    if source is None:
        raise Inconclusive("the recorded code is not in this clone")
    for pointer, path, digest in files:
        if digest is None or history.digest_at(source, path) != digest:
            continue
        if lfs_pointer(history.repository.read(source, path) or b"") is not None:
            yield Finding(
                message=f"{path} was read as the Git LFS pointer that is committed, not as the file it stands for",
                pointer=pointer,
                fix="run `git lfs pull`, then record the run again",
            )
