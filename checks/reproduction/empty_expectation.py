"""Flags a scaled-down reproduction that expects nothing.

## Why it matters
A reproduction is compared with what it gave when it was recorded. One that recorded neither figures
nor files agrees with anything that ends without an error.

## How to fix
Record with `auditor record --smoke 'KEY=VALUE ...'`: the scaled run is executed at once, and what it
gives is kept.

## When it cannot decide
Never: expectations are recorded or they are not. A reproduction that is not scaled down is compared
with the run itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, NotApplicable, Rule, Run, Severity

RULE: Final = Rule(
    id="reproduction/empty-expectation",
    summary="A scaled-down reproduction that expects nothing.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(run: Run) -> Iterator[Finding]:
    """Yield each scaled reproduction without an expected figure and without an expected digest."""
    scaled = [(index, one) for index, one in enumerate(run.reproductions) if one.scale]
    if not scaled:
        raise NotApplicable("no reproduction is scaled down")
    for index, reproduction in scaled:
        expect = reproduction.expect
        figures = [metric for metric in expect.metrics if metric.value is not None] if expect is not None else []
        files = [artifact for artifact in expect.artifacts if artifact.digest is not None] if expect is not None else []
        if not figures and not files:
            yield Finding(
                message=f"{reproduction.name!r} is scaled down and expects no figure and no file",
                pointer=f"/reproductions/{index}",
                fix="record with --smoke, which executes the scaled run and keeps what it gives",
            )
