"""Adds results up to a verdict, and a verdict to an exit code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from auditor.model.finding import Result
from auditor.model.policy import Gate
from auditor.model.words import Exit, Outcome, Severity, Verdict


def verdict_of(results: Iterable[Result], gate: Gate) -> Verdict:
    """What ``gate`` makes of ``results``. No results at all are what the gate's ``on-nothing`` says.

    A failed result at or above ``block-at`` blocks; one that could not decide, or that crashed, leaves the gate undecided.
    Lighter and waived results are listed and counted only.
    """
    verdicts = [weigh(result, gate.block_at) for result in results]
    return max(verdicts, default=Verdict(gate.on_nothing))


def exit_of(verdict: Verdict, mode: Literal["enforce", "report-only"]) -> Exit:
    """The exit code of a gate; ``report-only`` prints everything and never turns red."""
    if mode == "report-only":
        return Exit.OPEN
    match verdict:
        case Verdict.OPEN:
            return Exit.OPEN
        case Verdict.UNDECIDED:
            return Exit.UNDECIDED
        case Verdict.BLOCKED:
            return Exit.BLOCKED


def weigh(result: Result, block_at: Severity) -> Verdict:
    """What one result comes to where ``block_at`` is the lightest severity that counts."""
    if result.waived or result.severity < block_at:
        return Verdict.OPEN
    match result.outcome:
        case Outcome.PASSED | Outcome.NOT_APPLICABLE:
            return Verdict.OPEN
        case Outcome.FAILED:
            return Verdict.BLOCKED
        case Outcome.INCONCLUSIVE | Outcome.CRASHED:
            return Verdict.UNDECIDED
