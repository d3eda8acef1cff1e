"""Flags a reproduction whose command is not the command that was recorded.

## Why it matters
A reproduction proves something about the run only if it is the run, smaller. A command that prints
the expected figures agrees with anything.

## How to fix
Use the recorded entry point and configuration, changed only in the keys that `scale` names.
`auditor record --smoke` writes it.

## When it cannot decide
When the run records no entry point to compare with.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, Inconclusive, NotApplicable, Rule, Run, Severity

RULE: Final = Rule(
    id="reproduction/foreign-command",
    summary="A reproduction whose command is not the recorded one.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(run: Run) -> Iterator[Finding]:
    """Yield the reproductions that start another command than the run did."""
    if not run.reproductions:
        raise NotApplicable("the run has no reproductions")
    entrypoint = run.code.entrypoint if run.code is not None else ()
    if not entrypoint:
        raise Inconclusive("the run records no entry point")
    for index, reproduction in enumerate(run.reproductions):
        if reproduction.command and reproduction.command != entrypoint:
            yield Finding(
                message=f"{reproduction.name!r} starts {list(reproduction.command)}, the run {list(entrypoint)}",
                pointer=f"/reproductions/{index}/command",
                fix="use the recorded entry point, changed only in the keys that `scale` names",
            )
