"""Flags a switch of a numeric library that lets results differ from run to run.

## Why it matters
With autotuned kernels, reduced precision or atomics, the same seed gives other bits each time. The
switches that forbid it are easy to set and easy to forget.

## How to fix
For torch: `torch.use_deterministic_algorithms(True)`, `torch.backends.cudnn.benchmark = False`, no
TF32, and `CUBLAS_WORKSPACE_CONFIG=:4096:8`. Where speed is worth the difference, say so and lower
or waive this check.

## When it cannot decide
When the run records no switches and names no Python file that could be read for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import (
    EvidenceLevel,
    Finding,
    History,
    NotApplicable,
    Rule,
    Run,
    Severity,
    escaped,
    executed,
    loose,
    loosened_in_code,
)

RULE: Final = Rule(
    id="randomness/nondeterministic-flag",
    summary="A switch of a numeric library that lets results differ from run to run.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)

_FIX = "set the deterministic choice, or say why speed is worth the difference"


def check(run: Run, history: History) -> Iterator[Finding]:
    """Yield each such switch among those recorded, and each place where the executed code turns one."""
    flags = run.randomness.flags if run.randomness is not None else {}
    for name, value in flags.items():
        message = loose(name, value)
        if message is not None:
            yield Finding(message=message, pointer=f"/randomness/flags/{escaped(name)}", fix=_FIX)
    try:
        files = executed(run, history)
    except NotApplicable:
        if flags:
            return
        raise
    for spot in loosened_in_code(files):
        yield Finding(message=spot.message, file=spot.path, line=spot.line, fix=_FIX)
