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

from auditor.api import EvidenceLevel, Finding, Inconclusive, NotApplicable, Rule, Run, Severity, Tier, redacted

RULE: Final = Rule(
    id="reproduction/foreign-command",
    summary="A reproduction whose command is not the recorded one.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(run: Run) -> Iterator[Finding]:
    """Yield the reproductions that start a command which is neither the run's nor one of its stages'.

    A stage may be reproduced alone, but not instead of the run: some reproduction has to start the run's own entry point.
    An evaluation is another command by its nature; that it looks at the weights is seen when it is executed.
    """
    if not run.reproductions:
        raise NotApplicable("the run has no reproductions")
    entrypoint = run.code.entrypoint if run.code is not None else ()
    if not entrypoint:
        raise Inconclusive("the run records no entry point")
    fix = "use the recorded entry point, changed only in the keys that `scale` names"
    training = {i: each.command or entrypoint for i, each in enumerate(run.reproductions) if each.tier is not Tier.EVALUATE}
    if not training:
        raise NotApplicable("no reproduction of the run trains (see reproduction/unexercised-run)")
    recorded = {entrypoint, *(stage.command for stage in run.stages)}
    foreign = [index for index, command in training.items() if command not in recorded]
    for index in foreign:
        yield Finding(
            message=f"{run.reproductions[index].name!r} starts {redacted(training[index])}, the run {redacted(entrypoint)}",
            pointer=f"/reproductions/{index}/command",
            fix=fix,
        )
    if not foreign and entrypoint not in training.values():
        yield Finding(
            message=f"no reproduction starts {redacted(entrypoint)}, which the run is said to have been",
            pointer="/reproductions",
            fix=fix,
        )
