"""How each claim of a run is established: the level that was reached, and where the claim stands in the manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from auditor.compare.tolerance import is_ignored
from auditor.evidence.claimed import ClaimedBytes
from auditor.evidence.measured import Measured
from auditor.evidence.reproductions import Reproductions
from auditor.evidence.rules import Rules
from auditor.evidence.unanswered import Inconclusive
from auditor.model.report import Established
from auditor.model.run import Run
from auditor.model.words import EvidenceLevel

KINDS = ("metrics", "weights")
"""The kinds of claims that a gate can require a level for."""


def established(
    run: Run, measured: Measured, claimed: ClaimedBytes, reproductions: Reproductions, rules: Rules
) -> tuple[Established, ...]:
    """Every claim of a kind that the gate requires a level for, with the level reached here or on record.

    A run that did not succeed claims no result.
    """
    if run.run.status != "succeeded":
        return ()
    confirmed = _confirmed(run, reproductions)
    found: list[Established] = []
    if rules.require.get("metrics"):
        found += _metrics(run, measured, claimed, confirmed, rules)
    if rules.require.get("weights"):
        found += _weights(run, claimed)
    # What a trusted verdict established before, about the same manifest, stays established.
    return tuple(
        Established(claim=one.claim, pointer=one.pointer, level=max(one.level, rules.established.get(one.claim, one.level)))
        for one in found
    )


def _confirmed(run: Run, reproductions: Reproductions) -> dict[str, bool]:
    """The metrics that a re-execution confirmed, and whether we computed them from what it produced."""
    # A run that was scaled down to be executed confirms its own figures, not those of the whole run.
    scaled = {reproduction.name for reproduction in run.reproductions if reproduction.scale}
    whole = (result for result in reproductions.results if result.name not in scaled)
    agreed = {c.of for result in whole for c in result.comparisons if c.agreement.outcome == "passed"}
    return {of.removeprefix("metric:"): of.removeprefix("metric:") in reproductions.computed for of in agreed}


def _metrics(
    run: Run, measured: Measured, claimed: ClaimedBytes, confirmed: Mapping[str, bool], rules: Rules
) -> Iterator[Established]:
    for index, metric in enumerate(run.metrics):
        if metric.value is not None and not is_ignored(rules.policy.tolerances, metric.name):
            level = _of_metric(run, index, measured, claimed, confirmed)
            yield Established(claim=f"metric:{metric.name}", pointer=f"/metrics/{index}", level=level)


def _weights(run: Run, claimed: ClaimedBytes) -> Iterator[Established]:
    for index, artifact in enumerate(run.artifacts):
        if artifact.role == "weights":
            level = _of_artifact(run, index, claimed)
            yield Established(claim=f"weights:{artifact.name}", pointer=f"/artifacts/{index}", level=level)


def _of_metric(
    run: Run, index: int, measured: Measured, claimed: ClaimedBytes, confirmed: Mapping[str, bool]
) -> EvidenceLevel:
    """How a metric is known: computed by us from a re-execution, from stored predictions, or written down."""
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
