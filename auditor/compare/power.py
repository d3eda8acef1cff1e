"""Proves that a tolerance can fail: sends known-bad predictions through the same comparison as the real ones.

The replicas need no training. A tolerance that accepts a constant predictor would accept a model that learned nothing.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from auditor import digest
from auditor.compare.errors import Unrecomputable
from auditor.compare.formulas import REGRESSION, Kind
from auditor.compare.metrics import compare_metric
from auditor.compare.predictions import churn
from auditor.compare.recompute import Recomputed, known_kind, load_sample, recompute_sample
from auditor.compare.samples import Sample, keys, positive_of
from auditor.compare.tables import number
from auditor.model.comparison import Comparison, Tolerance
from auditor.model.run import MetricColumns, MetricParameters
from auditor.model.words import Agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A metric as the gate will judge it: its name or kind, its tolerance, and what it is computed from."""

    name: str
    tolerance: Tolerance
    kind: str | None = None
    columns: MetricColumns | None = None
    parameters: MetricParameters | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """What became of one known-bad set of predictions.

    ``exercised`` is false when it could not be made, equals the real predictions, no metric could be computed for it, or
    every metric of it is exactly the real one: then equality accepts it, not a tolerance, and ``rejected`` says nothing.
    ``note`` gives each metric's real and replicated value.
    """

    name: str
    rejected: bool
    exercised: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """All replicas, and for each metric that could be computed the smallest drift that its tolerance would have seen."""

    replicas: tuple[Replica, ...]
    detectable: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Real:
    """A metric of the real predictions, ready to be computed again for a replica."""

    judged: Judged
    kind: Kind
    sample: Sample
    value: Recomputed


def training_free(predictions: Path, labels: Path | None, metrics: Sequence[Judged]) -> Power:
    """Sends a constant predictor and the permuted predictions through the metrics' tolerances.

    A replica is rejected when any metric rejects it. The constant is the most frequent label (ties: the first in text
    order) with that frequency as probability, or the mean for numbers; the permutation follows from the predictions file's
    digest alone, so that every judge draws the same one and nobody can pick it.
    """
    real, reasons = _real(predictions, labels, metrics)
    seed = digest.of_file(predictions)[0] if real else ""
    replicas = tuple(
        _replica(name, [(one, _remade(name, one, seed)) for one in real], reasons) for name in ("constant", "permuted")
    )
    drifts = {one.judged.name: _judge(one, one.value).detectable for one in real}
    return Power(replicas=replicas, detectable={name: drift for name, drift in drifts.items() if drift is not None})


def _real(predictions: Path, labels: Path | None, metrics: Sequence[Judged]) -> tuple[list[_Real], list[str]]:
    real, reasons = [], []
    for judged in metrics:
        try:
            kind = known_kind(judged.kind or judged.name, judged.parameters)
            sample = load_sample(predictions, labels, judged.columns)
            value = recompute_sample(kind, sample, judged.parameters)
        except Unrecomputable as error:
            reasons.append(f"{judged.name}: {error.message}")
        else:
            real.append(_Real(judged=judged, kind=kind, sample=sample, value=value))
    return real, reasons


def _remade(name: str, real: _Real, seed: str) -> Sample | None:
    return _constant(real) if name == "constant" else _permuted(real.sample, seed)


def _replica(name: str, remade: list[tuple[_Real, Sample | None]], reasons: list[str]) -> Replica:
    """Steps: 1 a replica that differs from the real predictions, 2 its metrics, 3 rejected by any of them."""
    made = [(one, sample) for one, sample in remade if sample is not None]
    different = [(one, sample) for one, sample in made if not _same(one, sample)]
    if not different:
        why = "it equals the real predictions" if made else "no metric could be computed"
        return Replica(name=name, rejected=False, exercised=False, note="; ".join([why, *reasons]))
    comparisons, notes = [], list(reasons)
    for one, sample in different:
        try:
            value = recompute_sample(one.kind, sample, one.judged.parameters)
        except Unrecomputable as error:
            notes.append(f"{one.judged.name}: {error.message}")
            continue
        comparisons.append(_judge(one, value))
        notes.append(f"{one.judged.name} {one.value.value:.6g} became {value.value:.6g}")
    # 4. what equality accepts says nothing of a tolerance: a model near chance can score as a constant does
    exercised = any(comparison.expected != comparison.actual for comparison in comparisons)
    if comparisons and not exercised:
        notes.append("every metric is exactly the real one, so that no tolerance could tell them apart")
    rejected = any(comparison.agreement is Agreement.DIVERGED for comparison in comparisons)
    return Replica(name=name, rejected=rejected, exercised=exercised, note="; ".join(notes))


def _judge(real: _Real, value: Recomputed) -> Comparison:
    return compare_metric(real.judged.name, real.value.value, value.value, real.judged.tolerance, quantum=real.value.quantum)


def _constant(real: _Real) -> Sample | None:
    """The best predictor that looks at no input; None where nobody knows it (a language model's vocabulary)."""
    sample = real.sample
    rows = sample.rows
    if real.kind.column == "logarithm":
        return None
    if real.kind.name in REGRESSION:
        mean = math.fsum(float(number(label) or 0) for label in sample.labels) / rows
        return replace(sample, predictions=[repr(mean)] * rows)
    parameters = real.judged.parameters
    if real.kind.column == "probability" or (parameters is not None and parameters.threshold is not None):
        return _base_rates(real)
    most = min(Counter(sample.labels).items(), key=lambda item: (-item[1], item[0]))[0]
    return replace(sample, predictions=[most] * rows)


def _base_rates(real: _Real) -> Sample:
    """Every row gets the classes' frequencies as probabilities; the positive class's alone where there is one column."""
    sample, rows = real.sample, real.sample.rows
    truth = keys(sample.labels)
    tally = Counter(truth)
    if sample.classes is not None and sample.probabilities is None:
        rates = {name: tally[key] / rows for name, key in zip(sample.classes, keys(list(sample.classes)), strict=True)}
        return replace(sample, classes={name: [repr(rate)] * rows for name, rate in rates.items()})
    positive = positive_of(tally, real.judged.parameters or MetricParameters())
    return replace(sample, probabilities=[repr(tally[positive] / rows)] * rows)


def _permuted(sample: Sample, seed: str) -> Sample:
    """The same predictions in an order that depends on ``seed`` alone, not on any library's random generator."""

    def key(place: int) -> bytes:
        return hashlib.sha256(f"{seed}:{place}".encode()).digest()

    order = sorted(range(sample.rows), key=key)

    def moved(values: Sequence[str] | None) -> list[str] | None:
        return None if values is None else [values[place] for place in order]

    classes = sample.classes
    return replace(
        sample,
        predictions=moved(sample.predictions),
        probabilities=moved(sample.probabilities),
        classes=None if classes is None else {name: [values[place] for place in order] for name, values in classes.items()},
        logarithms=moved(sample.logarithms),
    )


def _same(real: _Real, sample: Sample) -> bool:
    """Whether all columns that the metric could be computed from are the real ones again."""
    one = real.sample
    pairs = [(one.predictions, sample.predictions), (one.probabilities, sample.probabilities)]
    pairs.append((one.logarithms, sample.logarithms))
    pairs += [(values, (sample.classes or {})[name]) for name, values in (one.classes or {}).items()]
    return all(left is None or right is None or churn(left, right) == 0 for left, right in pairs)
