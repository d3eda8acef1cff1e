"""Flags a run made from files that differ from the recorded commit, without a patch that says how.

## Why it matters
The commit does not describe what was executed. Whoever checks it out runs something else.

## How to fix
Commit before recording. Where that is not possible, `auditor record --allow-dirty` keeps the
difference as a patch beside the manifest.

## When it cannot decide
When the run records no code, or the recorded commit is not in this clone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import ClaimedBytes, EvidenceLevel, Finding, History, Inconclusive, Rule, Run, Severity

RULE: Final = Rule(
    id="code/unrecorded-change",
    summary="Executed files that are neither in the recorded commit nor in a recorded patch.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)

_FIX = "commit the files and record the run again, or record with --allow-dirty to keep the difference as a patch"


def check(run: Run, history: History, claimed: ClaimedBytes) -> Iterator[Finding | EvidenceLevel]:
    """Yield a missing or changed patch, and each file that was read with other bytes than the commit holds."""
    code = run.code
    if code is None:
        raise Inconclusive(run.why_unavailable("/code") or "the run records no code")
    if code.dirty and code.patch is None:
        yield Finding(message="the work tree was dirty and no patch was recorded", pointer="/code/dirty", fix=_FIX)
    if code.patch is not None:
        found = claimed.locate(code.patch)
        if found.digest != code.patch.digest:
            yield Finding(message=f"{code.patch.path} is not the recorded patch", pointer="/code/patch/digest", fix=_FIX)
            return
    source = history.source(run)
    if source is None:
        raise Inconclusive("the recorded code is not in this clone")
    patched = history.patched(source, claimed.file(code.patch).read_bytes()) if code.patch is not None else {}
    with_patch = " and the recorded patch make" if code.patch is not None else " holds"
    reads = run.observed.reads if run.observed is not None else ()
    if not reads:
        yield EvidenceLevel.CONSISTENT
    for index, read in enumerate(reads):
        actual = patched[read.path] if read.path in patched else history.content_digest(source, read.path)
        if actual is not None and read.digest is not None and actual != read.digest:
            yield Finding(
                message=f"{read.path} was read with other bytes than commit {source[:12]}{with_patch}",
                pointer=f"/observed/reads/{index}",
                fix=_FIX,
            )
