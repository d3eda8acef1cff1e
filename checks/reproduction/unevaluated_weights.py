"""Flags a run of which only a scaled-down copy is executed, while nobody evaluates the weights that it claims.

## Why it matters
A scaled-down reproduction shows that the code works on the data. It says nothing about the figures of
the whole run: those, and the weights and predictions behind them, could have been made up beside an
honest small run.

## How to fix
Record the run with `--evaluate 'python evaluate.py'`: a command that reads the recorded weights and the
test data and writes the predictions. Every gate then repeats it, in seconds, and computes the metrics
from what comes out.

## When it cannot decide
When the evaluation is recorded but could not be executed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, Inconclusive, NotApplicable, Reproductions, Rule, Run, Severity, Tier

RULE: Final = Rule(
    id="reproduction/unevaluated-weights",
    summary="A scaled-down run whose claimed weights nobody evaluates.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.RE_EXECUTED,
    since="0.1.0",
)


def check(run: Run, reproductions: Reproductions) -> Iterator[Finding]:
    """Yield one finding when neither the whole run nor its weights can be executed again."""
    claimed = [metric.name for metric in run.metrics if metric.value is not None]
    if run.run.status != "succeeded" or not claimed:
        raise NotApplicable("the run claims no figure")
    training = [each for each in run.reproductions if each.tier in {Tier.SMOKE, Tier.FULL}]
    if not training or any(not each.scale for each in training):
        raise NotApplicable("no reproduction is scaled down, or the whole run is one")
    if not any(each.tier is Tier.EVALUATE for each in run.reproductions):
        yield Finding(
            message=f"only a scaled-down run is executed again; {', '.join(claimed[:3])} of the whole one is believed",
            pointer="/reproductions",
            fix="record with --evaluate 'COMMAND', which turns the recorded weights into predictions",
        )
        return
    if not reproductions.executes:
        raise Inconclusive("nothing is executed here")
    answers = [result for result in reproductions.results if result.tier is Tier.EVALUATE]
    if not answers or any(result.agreement.outcome == "inconclusive" for result in answers):
        reasons = "; ".join(result.note or result.agreement for result in answers)
        raise Inconclusive(reasons or reproductions.reason or "the evaluation was not executed")
