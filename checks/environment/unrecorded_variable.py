"""Flags an environment variable that the executed code looks up although the manifest does not hold it.

## Why it matters
A variable is an input like any other. What the code did when it was set on one machine and not on
the next is recorded nowhere.

## How to fix
Take the value from the configuration instead. Variables that change numbers (thread counts, library
switches) are recorded by themselves.

## When it cannot decide
When the recorded code is not in this clone. Names that are put together at run time are not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, History, Rule, Run, Severity, executed, looked_up

RULE: Final = Rule(
    id="environment/unrecorded-variable",
    summary="A variable that the executed code looks up although the manifest does not hold it.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)

_HOUSE = frozenset({"HOME", "USER", "PATH", "TMPDIR", "PWD", "SHELL", "TERM", "CI", "DISPLAY", "HOSTNAME", "LOGNAME"})
"""What every shell provides, and no result may depend on; re-executions get other values for them."""


def check(run: Run, history: History) -> Iterator[Finding]:
    """Yield each place where a variable is looked up that the manifest knows nothing about."""
    environment, randomness = run.environment, run.randomness
    known = set(environment.variables) if environment is not None else set()
    known |= {str(seed.at) for seed in randomness.seeds.values()} if randomness is not None else set()
    for spot, name in looked_up(executed(run, history)):
        if name not in known and name not in _HOUSE and not name.startswith("AUDITOR_"):
            yield Finding(
                message=f"{name} is looked up, but its value is not recorded",
                file=spot.path,
                line=spot.line,
                fix="take the value from the configuration, where it is recorded",
            )
