"""Flags a data set whose recorded digest cannot identify its bytes.

## Why it matters
A name, a version or a URL says which data somebody meant; only a digest of the content says which
bytes were read. Without it, retraining on other data goes unnoticed.

## How to fix
Record the run with `auditor record --data NAME=PATH`, which hashes the bytes. Where they are gone,
say so under `unavailable`, with the pointer and the reason.

## When it cannot decide
When the manifest names a reason why no digest can be given any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, Inconclusive, NotApplicable, Rule, Run, Severity

RULE: Final = Rule(
    id="data/undigested-dataset",
    summary="A data set whose recorded digest cannot identify its bytes.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)

_DIGEST = re.compile(r"sha256:(?!0{64})[0-9a-f]{64}")
_EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def check(run: Run) -> Iterator[Finding]:
    """Yield the data sets without a digest, or with one of nothing."""
    if not run.data:
        raise NotApplicable("the run declares no data")
    excused = []
    for index, data in enumerate(run.data):
        pointer = f"/data/{index}/digest"
        fix = "record the run again with `auditor record --data`, which hashes the bytes"
        if data.digest is None:
            if reason := run.why_unavailable(pointer):
                excused.append(f"{data.name}: {reason}")
                continue
            yield Finding(message=f"data set {data.name!r} has no digest", pointer=f"/data/{index}", fix=fix)
        elif not _DIGEST.fullmatch(data.digest):
            yield Finding(message=f"data set {data.name!r}: {data.digest!r} is no sha256 digest", pointer=pointer, fix=fix)
        elif data.digest == _EMPTY and data.size != 0:
            yield Finding(message=f"data set {data.name!r} has the digest of no bytes at all", pointer=pointer, fix=fix)
    if excused:
        raise Inconclusive("; ".join(excused))
