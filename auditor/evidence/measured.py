"""Metrics computed by the verifier from the run's stored predictions and labels, each once for all checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from auditor.compare.banded import widest
from auditor.compare.errors import Unrecomputable
from auditor.compare.power import Judged, Power, training_free
from auditor.compare.recompute import Recomputed, recompute
from auditor.compare.tolerance import is_ignored, metric_tolerance
from auditor.evidence.claimed import ClaimedBytes
from auditor.evidence.unanswered import Inconclusive, NotApplicable
from auditor.model.band import Calibration
from auditor.model.policy import Tolerances
from auditor.model.run import Artifact, DataSource, Metric, Run


@dataclass(slots=True)
class Measured:
    """Recomputes the metrics of one run."""

    run: Run
    claimed: ClaimedBytes
    _known: dict[int, Recomputed | Inconclusive] = field(default_factory=dict)

    def metric(self, index: int) -> Recomputed:
        """The metric at ``index`` of the manifest's list, recomputed.

        Raises:
            Inconclusive: the manifest does not say from which files, or they do not allow it.
        """
        if index not in self._known:
            self._known[index] = self._compute(self.run.metrics[index])
        answer = self._known[index]
        if isinstance(answer, Inconclusive):
            raise answer
        return answer

    def power(self, tolerances: Tolerances, bands: Sequence[Calibration] = ()) -> list[tuple[list[int], Power]]:
        """By predictions file: the places of its metrics, and what training-free replicas make of their tolerances.

        A band counts with the most that it may come to allow, whatever machine it is about.
        """
        groups: dict[tuple[Path, Path | None], list[int]] = {}
        for index, metric in enumerate(self.run.metrics):
            if metric.value is None or is_ignored(tolerances, metric.name):
                continue
            try:
                self.metric(index)
                groups.setdefault(self.files(metric), []).append(index)
            except Inconclusive:
                continue
        return [
            (members, training_free(*files, self._judged(members, tolerances, bands))) for files, members in groups.items()
        ]

    def _judged(self, members: list[int], tolerances: Tolerances, bands: Sequence[Calibration]) -> list[Judged]:
        metrics = [self.run.metrics[index] for index in members]
        return [
            Judged(
                name=metric.name,
                tolerance=widest(metric_tolerance(tolerances, metric.name), bands, metric.name),
                kind=metric.kind,
                columns=metric.from_.columns if metric.from_ is not None else None,
                parameters=metric.parameters,
            )
            for metric in metrics
        ]

    def files(self, metric: Metric) -> tuple[Path, Path | None]:
        """The files with the predictions and, where they are apart, the labels of a metric.

        Raises:
            Inconclusive: they are not named, not declared, or not here.
        """
        if metric.from_ is None or metric.from_.predictions is None:
            raise Inconclusive(f"{metric.name}: the manifest does not say which predictions it was computed from")
        labels = metric.from_.labels
        predictions = self._file(metric.from_.predictions)
        return predictions, None if labels in {None, metric.from_.predictions} else self._file(labels or "")

    def _compute(self, metric: Metric) -> Recomputed | Inconclusive:
        try:
            predictions, labels = self.files(metric)
            columns = metric.from_.columns if metric.from_ is not None else None
            return recompute(metric.kind or metric.name, predictions, labels, columns, metric.parameters)
        except Unrecomputable as error:
            return Inconclusive(f"{metric.name}: {error.message}")
        except Inconclusive as unanswered:
            return unanswered

    def _file(self, named: str) -> Path:
        claims: tuple[Artifact | DataSource, ...] = (*self.run.artifacts, *self.run.data)
        for claim in claims:
            if named in {claim.name, claim.path}:
                return self.claimed.file(claim)
        raise Inconclusive(f"{named} is neither a declared artifact nor declared data")


def claims_metrics(run: Run) -> None:
    """Raise :class:`NotApplicable` for a run that claims no metric with a value."""
    if not any(metric.value is not None for metric in run.metrics):
        raise NotApplicable("the run claims no metric")
