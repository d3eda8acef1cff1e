"""Flags a run that brings nothing by which it could be executed again.

## Why it matters
A run that cannot be executed is believed, not verified. A fabricated run looks just like one.

## How to fix
Record with `auditor record --smoke 'epochs=1'` (any overrides that shrink the run to a few
minutes): the scaled run is executed at once and kept as a reproduction that every gate can repeat.

## When it cannot decide
When a reproduction is there but could not be executed here, for want of time, of isolation or of
hardware.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import (
    Agreement,
    EvidenceLevel,
    Finding,
    Inconclusive,
    NotApplicable,
    Reproductions,
    Rule,
    Run,
    Severity,
    Tier,
)

RULE: Final = Rule(
    id="reproduction/unexercised-run",
    summary="A run that was not executed again, or cannot be.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.RE_EXECUTED,
    since="0.1.0",
)


def check(run: Run, reproductions: Reproductions) -> Iterator[Finding]:
    """Raise Inconclusive unless a reproduction ran to an answer."""
    if run.run.status != "succeeded":
        raise NotApplicable(f"the run {run.run.status}; it claims no result")
    if not reproductions.executes:
        raise NotApplicable("no tier that executes the command is asked for here")
    if not (run.reproductions or Tier.SEGMENT in reproductions.required):
        raise Inconclusive("the manifest has no reproduction; record with --smoke 'KEY=VALUE ...' to add one")
    ran = [result for result in reproductions.executed() if result.tier is not Tier.EVALUATE]
    if not ran and not reproductions.trains:
        raise NotApplicable("no tier that trains is asked for here")
    if not ran:
        raise Inconclusive("its weights were evaluated, but nothing that trains was executed; record with --smoke, too")
    open_ones = [r for r in ran if r.agreement in {Agreement.INCONCLUSIVE, Agreement.NOT_EXERCISED}]
    if len(open_ones) == len(ran):
        raise Inconclusive("; ".join(f"{r.name}: {r.note or r.agreement}" for r in open_ones))
    if lacking := _unanswered(run, reproductions, {r.name for r in ran} - {r.name for r in open_ones}):
        raise Inconclusive(f"no reproduction came to an answer for the stage {', '.join(lacking)}")
    yield from ()


def _unanswered(run: Run, reproductions: Reproductions, answered: set[str]) -> list[str]:
    """The stages that made something which no reproduction has answered for: one stage does not speak for another."""
    exercised = {stage for name, stage in reproductions.answering.items() if name in answered}
    makers = {a.stage for a in run.artifacts}
    if reproductions.in_part:
        makers &= set(reproductions.answering.values())
    return [stage.name for stage in run.stages if stage.name in makers - exercised]
