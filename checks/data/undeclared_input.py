"""Flags a file outside the recorded commit that the command read although the manifest does not declare it.

## Why it matters
A run is a function of its declared inputs. A file that slipped in is an input that nobody pins: the
next run may read another one and nobody will see why the result moved.

## How to fix
Declare it: `auditor record --data NAME=PATH` for data, `--config PATH` for configuration; or commit
it, when it is code.

## When it cannot decide
When the recorder did not observe what the command read, or when the recorded code is not in this
clone, so that nobody can tell what it tracks. Reads by native parsers (HDF5, Arrow) are not visible
to the recorder.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, History, Rule, Run, Severity, undeclared_reads

RULE: Final = Rule(
    id="data/undeclared-input",
    summary="A file outside the recorded commit that was read but not declared.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(run: Run, history: History) -> Iterator[Finding]:
    """Yield the observed reads that neither the manifest nor the recorded commit pins."""
    for read in undeclared_reads(run, history):
        if not read.tracked:
            yield Finding(
                message=f"{read.path} was read but is neither declared nor in the recorded commit",
                pointer=f"/observed/reads/{read.index}",
                fix=f"record with --data NAME={read.path}, or commit it when it is code",
            )
