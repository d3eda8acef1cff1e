"""Flags a reproduction that did not come out as recorded.

## Why it matters
The recorded command was executed on the recorded code and data, and produced something else. Either
the record is wrong, or something that the run depends on was not recorded.

## How to fix
Look at the comparison that diverged most. Record the run again when the record is wrong; otherwise
find the input that is missing from it: a seed, a file, a thread count, a library version.

## When it cannot decide
When nothing was executed, when the time limit was reached, or when the outputs can only be compared
as unreadable bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import (
    Agreement,
    Comparison,
    EvidenceLevel,
    Finding,
    Inconclusive,
    NotApplicable,
    Reproductions,
    Rule,
    Run,
    Severity,
)

RULE: Final = Rule(
    id="reproduction/diverged-reproduction",
    summary="A reproduction that did not come out as recorded.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RE_EXECUTED,
    since="0.1.0",
)

_FIX = "record the run again, or find the input that the record lacks (a seed, a file, a thread count, a library version)"


def check(run: Run, reproductions: Reproductions) -> Iterator[Finding]:
    """Yield the quantities that diverged in each re-execution."""
    recorded = run.reproductions or run.checkpoints or reproductions.results
    if not reproductions.executes or run.run.status != "succeeded" or not recorded:
        raise NotApplicable("there is no reproduction to execute here (see reproduction/unexercised-run)")
    undecided = []
    places = {reproduction.name: index for index, reproduction in enumerate(run.reproductions)}
    for result in reproductions.executed():
        pointer = f"/reproductions/{places[result.name]}" if result.name in places else "/reproductions"
        if result.agreement in {Agreement.DIVERGED, Agreement.REFUSED}:
            bad = [c for c in result.comparisons if c.agreement in {Agreement.DIVERGED, Agreement.REFUSED}]
            for comparison in bad:
                message = f"{result.name}: {_words(comparison)}"
                yield Finding(message=message, pointer=_place(run, comparison, pointer), fix=_FIX)
            if not bad:
                yield Finding(message=f"{result.name}: {result.note or result.agreement}", pointer=pointer, fix=_FIX)
        elif result.agreement in {Agreement.INCONCLUSIVE, Agreement.NOT_EXERCISED}:
            undecided.append(f"{result.name}: {result.note or result.agreement}")
    if undecided:
        raise Inconclusive("; ".join(undecided))


def _words(comparison: Comparison) -> str:
    if isinstance(comparison.expected, int | float) and isinstance(comparison.actual, int | float):
        return f"{comparison.of} is recorded as {comparison.expected:.17g}, the re-execution gave {comparison.actual:.17g}"
    return f"{comparison.of} {comparison.agreement}{f': {comparison.note}' if comparison.note else ''}"


def _place(run: Run, comparison: Comparison, otherwise: str) -> str:
    kind, _, name = comparison.of.partition(":")
    if kind == "metric":
        for index, metric in enumerate(run.metrics):
            if metric.name == name:
                return f"/metrics/{index}/value"
    path = name.partition("#")[0]
    for index, artifact in enumerate(run.artifacts):
        if artifact.path == path:
            return f"/artifacts/{index}/digest"
    return otherwise
