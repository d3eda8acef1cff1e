"""Flags a notebook that was not run from top to bottom.

## Why it matters
Cells run twice, skipped or out of order leave a state in memory that no reader of the file can
build again. Two in three published notebooks cannot be re-executed, mostly for this.

## How to fix
Restart the kernel, run all cells, save; or clear all outputs and let a command execute the notebook
(`jupyter nbconvert --execute`).

## When it cannot decide
When the recorded code is not in this clone, or a notebook is not readable.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import (
    EvidenceLevel,
    Finding,
    History,
    Inconclusive,
    NotApplicable,
    Rule,
    Run,
    Severity,
    disorder,
)

RULE: Final = Rule(
    id="code/out-of-order-notebook",
    summary="A notebook that was not run from top to bottom.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, history: History) -> Iterator[Finding]:
    """Yield the cells of each executed notebook that were run out of order, or not at all."""
    named = set(run.code.entrypoint) if run.code is not None else set()
    read = {read.path for read in run.observed.reads} if run.observed is not None else set()
    notebooks = sorted(path for path in named | read if path.endswith(".ipynb"))
    if not notebooks:
        raise NotApplicable("no notebook was executed")
    source = history.source(run)
    if source is None:
        raise Inconclusive("the recorded code is not in this clone")
    unread = []
    for path in notebooks:
        content = history.repository.read(source, path)
        try:
            found = disorder(content) if content is not None else None
        except Inconclusive as unanswered:
            unread.append(f"{path}: {unanswered.reason}")
            continue
        if found is None:
            unread.append(f"{path} is not in the recorded commit")
            continue
        for one in found:
            yield Finding(message=one.message, file=path, fix="restart the kernel, run all cells in order, and save")
    if unread:
        raise Inconclusive("; ".join(unread))
