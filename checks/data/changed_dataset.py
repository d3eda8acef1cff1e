"""Flags a data set whose bytes are not the bytes that were recorded.

## Why it matters
A model belongs to the rows it was trained on. When the file under the recorded name holds other
bytes, nothing that is measured on it says anything about the run.

## How to fix
Restore the recorded bytes, or record a new run on the new data and let it supersede this one
(`auditor record --supersedes DIGEST --reason TEXT`). When only line endings differ, keep text data
out of conversion with `*.csv -text` in `.gitattributes`.

## When it cannot decide
When the bytes are neither in the judged commit nor in the working tree, and no store of the policy
(`stores`) has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import (
    ClaimedBytes,
    DataSource,
    EvidenceLevel,
    Finding,
    History,
    Inconclusive,
    Located,
    NotApplicable,
    Rule,
    Run,
    Severity,
)

RULE: Final = Rule(
    id="data/changed-dataset",
    summary="A data set whose bytes are not the recorded ones.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, claimed: ClaimedBytes, history: History) -> Iterator[Finding | EvidenceLevel]:
    """Yield the data sets whose bytes, re-hashed, differ in the judged content or in the commit that was executed."""
    digested = [(index, data) for index, data in enumerate(run.data) if data.digest is not None]
    if not digested:
        raise NotApplicable("the run declares no data with a digest")
    unseen = []
    for index, data in digested:
        try:
            found = claimed.locate(data)
        except Inconclusive as unanswered:
            unseen.append(f"{data.name}: {unanswered.reason}")
            continue
        if found.level is not EvidenceLevel.RECOMPUTED:
            yield found.level
        differences = list(_differences(data, found, f"/data/{index}"))
        yield from differences or _executed(run, history, data, f"/data/{index}/digest")
    if unseen:
        raise Inconclusive("; ".join(unseen))


def _differences(data: DataSource, found: Located, pointer: str) -> Iterator[Finding]:
    if found.digest != data.digest:
        why = " (they agree once line endings are normalised)" if found.normalised == data.digest else ""
        yield Finding(
            message=f"{found.path} in the {found.where} hashes to {found.digest[:19]}..., "
            f"the manifest says {(data.digest or '')[:19]}...{why}",
            pointer=f"{pointer}/digest",
            fix="restore the recorded bytes, or record a run on the new ones that supersedes this one",
        )
    elif data.size is not None and data.size != found.size:
        yield Finding(
            message=f"{found.path} has {found.size} bytes, the manifest says {data.size}",
            pointer=f"{pointer}/size",
            fix="record the run again; sizes are counted, not typed",
        )


def _executed(run: Run, history: History, data: DataSource, pointer: str) -> Iterator[Finding]:
    """The commit that a clean run was made from must hold the data that it declares, where it tracks them at all."""
    source = history.source(run)
    if source is None or data.path is None or run.code is None or run.code.dirty:
        return
    actual = history.content_digest(source, data.path)
    if actual is not None and actual != data.digest:
        yield Finding(
            message=f"{data.path} had other bytes in commit {source[:12]}, which the run was made from",
            pointer=pointer,
            fix="record a run on the new bytes that supersedes this one",
        )
