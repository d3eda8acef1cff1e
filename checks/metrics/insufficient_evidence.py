"""Flags a claim that is established at a lower level than the gate requires.

## Why it matters
A gate that asks for recomputed metrics must not open for declared ones. What was merely written down
looks exactly like what was verified, until somebody asks how it is known.

## How to fix
Record predictions, so that metrics can be recomputed, and a reproduction, so that they can be
re-executed; or lower `require` in the policy, knowingly.

## When it cannot decide
When a re-execution that would establish the claim could not be made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import (
    ClaimedBytes,
    EvidenceLevel,
    Finding,
    Inconclusive,
    Measured,
    NotApplicable,
    Reproductions,
    Rule,
    Rules,
    Run,
    Severity,
    is_ignored,
)

RULE: Final = Rule(
    id="metrics/insufficient-evidence",
    summary="A claim that is established at a lower level than the gate requires.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.RE_EXECUTED,
    since="0.1.0",
)


def check(
    run: Run, measured: Measured, claimed: ClaimedBytes, reproductions: Reproductions, rules: Rules
) -> Iterator[Finding | EvidenceLevel]:
    """Yield each metric, and each weights file, that did not reach the least level required."""
    if not rules.require:
        raise NotApplicable("no level of evidence is required here")
    if run.run.status != "succeeded":
        raise NotApplicable(f"the run {run.run.status}; it claims no result")
    # A run that was scaled down to be executed confirms its own figures, not those of the whole run.
    scaled = {reproduction.name for reproduction in run.reproductions if reproduction.scale}
    whole = (result for result in reproductions.results if result.name not in scaled)
    agreed = {c.of for result in whole for c in result.comparisons if c.agreement.outcome == "passed"}
    confirmed = {of.removeprefix("metric:"): of.removeprefix("metric:") in reproductions.computed for of in agreed}
    reached: list[tuple[str, str, EvidenceLevel]] = []
    if needed := rules.require.get("metrics"):
        for index, metric in enumerate(run.metrics):
            if metric.value is not None and not is_ignored(rules.policy.tolerances, metric.name):
                level = _of_metric(run, index, measured, claimed, confirmed)
                reached.append((f"/metrics/{index}", metric.name, level))
        yield from _short(reached, min(needed))
    if needed := rules.require.get("weights"):
        weights = [
            (f"/artifacts/{index}", artifact.name, _of_artifact(run, index, claimed))
            for index, artifact in enumerate(run.artifacts)
            if artifact.role == "weights"
        ]
        yield from _short(weights, min(needed))
        reached += weights
    yield min((level for _, _, level in reached), default=EvidenceLevel.DECLARED)


def _short(reached: list[tuple[str, str, EvidenceLevel]], least: EvidenceLevel) -> Iterator[Finding]:
    for pointer, name, level in reached:
        if level < least:
            yield Finding(
                message=f"{name} is {level}; the gate requires {least}",
                pointer=pointer,
                fix="record predictions and a reproduction, so that the claim can be established by others",
            )


def _of_metric(run: Run, index: int, measured: Measured, claimed: ClaimedBytes, confirmed: dict[str, bool]) -> EvidenceLevel:
    """How a metric is known: computed by us from a re-execution, from stored predictions, or written down.

    ``confirmed`` holds the metrics that a re-execution confirmed, and whether we computed them from what it produced.
    """
    name = run.metrics[index].name
    try:
        measured.metric(index)
    except Inconclusive:
        # A number that the re-run program wrote is consistent, not re-executed.
        if name in confirmed:
            return EvidenceLevel.CONSISTENT
        written = [i for i, artifact in enumerate(run.artifacts) if artifact.role == "metrics"]
        return max((_of_artifact(run, i, claimed) for i in written), default=EvidenceLevel.DECLARED)
    return EvidenceLevel.RE_EXECUTED if confirmed.get(name) else EvidenceLevel.RECOMPUTED


def _of_artifact(run: Run, index: int, claimed: ClaimedBytes) -> EvidenceLevel:
    artifact = run.artifacts[index]
    try:
        found = claimed.locate(artifact)
    except Inconclusive:
        return EvidenceLevel.DECLARED
    return EvidenceLevel.CONSISTENT if found.digest == artifact.digest else EvidenceLevel.DECLARED
