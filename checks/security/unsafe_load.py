"""Flags executed code that unpickles files, or lets a hub deliver code, with line numbers.

## Why it matters
Loading is where a replaced file takes over: `pickle.load`, `torch.load` without `weights_only`,
`trust_remote_code=True`. Whoever reproduces the run executes what the file brings along.

## How to fix
Load weights with `weights_only=True`, safetensors, npz or skops; pin remote code to a revision and
read it. Loading a file that the run itself wrote may stay; lower or waive this check.

## When it cannot decide
When the recorded code is not in this clone. What runs inside installed libraries is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, History, Rule, Run, Severity, executed, unsafe_calls

RULE: Final = Rule(
    id="security/unsafe-load",
    summary="Executed code that unpickles files, or lets a hub deliver code.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, history: History) -> Iterator[Finding]:
    """Yield each such call with its file and line."""
    for spot in unsafe_calls(executed(run, history)):
        yield Finding(
            message=spot.message,
            file=spot.path,
            line=spot.line,
            fix="load weights with weights_only=True, safetensors, npz or skops; pin and read remote code",
        )
