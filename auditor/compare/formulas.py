"""Metrics as exact arithmetic: counts as integers, sums by :func:`math.fsum`, one rounding at the end.

Definitions are scikit-learn's (its ``metrics`` user guide), an undefined precision, recall or F1 being 0.
"""

from __future__ import annotations

import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from auditor.compare.errors import Unrecomputable
from auditor.compare.tables import Number, number
from auditor.model.run import MetricParameters

_SPLITS: Final = frozenset(
    {"train", "training", "test", "testing", "val", "valid", "validation", "eval", "evaluation", "dev", "holdout"}
)
_NAMES: Final = {
    "accuracy": "accuracy",
    "acc": "accuracy",
    "accuracy_score": "accuracy",
    "error_rate": "error_rate",
    "misclassification_rate": "error_rate",
    "zero_one_loss": "error_rate",
    "balanced_accuracy": "balanced_accuracy",
    "balanced_accuracy_score": "balanced_accuracy",
    "log_loss": "log_loss",
    "logloss": "log_loss",
    "mse": "mse",
    "mean_squared_error": "mse",
    "rmse": "rmse",
    "root_mean_squared_error": "rmse",
    "mae": "mae",
    "mean_absolute_error": "mae",
    "r2": "r2",
    "r2_score": "r2",
    "r_squared": "r2",
}
_AVERAGED: Final = re.compile(
    r"(?:(?P<before>macro|micro|weighted|binary)_)?(?P<kind>f1|precision|recall)(?:_score)?(?:_(?P<after>macro|micro|weighted|binary))?"
)
REGRESSION: Final = frozenset({"mse", "rmse", "mae", "r2"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Aligned columns as text: the truth, and what was predicted, as classes or numbers, or as probabilities."""

    labels: Sequence[str]
    predictions: Sequence[str] | None = None
    probabilities: Sequence[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A metric that can be computed: ``name``, and for F1, precision and recall how classes are averaged."""

    name: str
    average: str | None = None

    def __str__(self) -> str:
        return f"{self.name}_{self.average}" if self.average else self.name

    @property
    def column(self) -> str:
        """Which column it is computed from, besides the labels."""
        return "probability" if self.name == "log_loss" else "prediction"


def kind_of(name: str, parameters: MetricParameters | None = None) -> Kind | None:
    """What a metric's name or kind means, its split taken off (``test_accuracy``, ``val/f1_macro``); None for no idea."""
    words = [word for word in re.split(r"[\s_/.\-]+", name.strip().lower()) if word]
    while len(words) > 1 and words[0] in _SPLITS:
        words = words[1:]
    while len(words) > 1 and words[-1] in _SPLITS:
        words = words[:-1]
    bare = "_".join(words)
    if bare in _NAMES:
        return Kind(name=_NAMES[bare])
    if match := _AVERAGED.fullmatch(bare):
        average = match["before"] or match["after"] or (parameters.average if parameters else None)
        return Kind(name=match["kind"], average=average)
    return None


def compute(kind: Kind, sample: Sample, parameters: MetricParameters | None = None) -> float:
    """The metric's value.

    Raises:
        Unrecomputable: values or parameters for which it is not defined.
    """
    parameters = parameters or MetricParameters()
    if not sample.labels:
        raise Unrecomputable("there are no rows")
    if parameters.k is not None or parameters.threshold is not None:
        raise Unrecomputable("metrics with the parameters k or threshold cannot be recomputed yet")
    value = _FORMULAS[kind.name](kind, sample, parameters)
    if not math.isfinite(value):
        raise Unrecomputable("its value is not finite")
    return value


def _accuracy(_kind: Kind, sample: Sample, _parameters: MetricParameters) -> float:
    truth, guesses = _classes(sample)
    return sum(map(_equal, truth, guesses)) / len(truth)


def _error_rate(_kind: Kind, sample: Sample, _parameters: MetricParameters) -> float:
    truth, guesses = _classes(sample)
    return sum(not _equal(one, other) for one, other in zip(truth, guesses, strict=True)) / len(truth)


def _balanced_accuracy(_kind: Kind, sample: Sample, _parameters: MetricParameters) -> float:
    truth, guesses = _classes(sample)
    sizes = Counter(truth)
    hits = Counter(one for one, other in zip(truth, guesses, strict=True) if one == other)
    return math.fsum(hits[value] / size for value, size in sizes.items()) / len(sizes)


def _averaged(kind: Kind, sample: Sample, parameters: MetricParameters) -> float:
    truth, guesses = _classes(sample)
    support, claimed = Counter(truth), Counter(guesses)
    hits = Counter(one for one, other in zip(truth, guesses, strict=True) if one == other)
    classes = support | claimed

    def score(hit: int, claims: int, size: int) -> float:
        below = {"precision": claims, "recall": size, "f1": claims + size}[kind.name]
        return (2 * hit if kind.name == "f1" else hit) / below if below else 0.0

    match kind.average or "binary":
        case "micro":
            return score(hits.total(), len(guesses), len(truth))
        case "macro":
            return math.fsum(score(hits[c], claimed[c], support[c]) for c in classes) / len(classes)
        case "weighted":
            return math.fsum(score(hits[c], claimed[c], support[c]) * support[c] for c in classes) / len(truth)
        case "binary":
            positive = _positive(classes, parameters)
            return score(hits[positive], claimed[positive], support[positive])
        case other:
            raise Unrecomputable(f"the average {other} is unknown")


def _log_loss(_kind: Kind, sample: Sample, parameters: MetricParameters) -> float:
    if sample.probabilities is None:
        raise Unrecomputable("there is no column of probabilities")
    truth = _keys(sample.labels)
    positive = _positive(Counter(truth), parameters)
    smallest = sys.float_info.epsilon
    losses = []
    for row, (label, probability) in enumerate(
        zip(truth, _numbers(sample.probabilities, "probability"), strict=True), start=1
    ):
        if not 0 <= probability <= 1:
            raise Unrecomputable(f"row {row} has the probability {probability}")
        given = float(probability if label == positive else 1 - Fraction(probability))
        losses.append(-math.log(min(max(given, smallest), 1 - smallest)))
    return math.fsum(losses) / len(losses)


def _mse(_kind: Kind, sample: Sample, _parameters: MetricParameters) -> float:
    return math.fsum(error * error for error in _errors(sample)) / len(sample.labels)


def _rmse(kind: Kind, sample: Sample, parameters: MetricParameters) -> float:
    return math.sqrt(_mse(kind, sample, parameters))


def _mae(_kind: Kind, sample: Sample, _parameters: MetricParameters) -> float:
    return math.fsum(map(abs, _errors(sample))) / len(sample.labels)


def _r2(_kind: Kind, sample: Sample, _parameters: MetricParameters) -> float:
    truth = [float(value) for value in _numbers(sample.labels, "label")]
    if len(truth) < 2:
        raise Unrecomputable("R2 of a single row is not defined")
    mean = math.fsum(truth) / len(truth)
    total = math.fsum((value - mean) ** 2 for value in truth)
    residual = math.fsum(error * error for error in _errors(sample))
    if total == 0:
        return 1.0 if residual == 0 else 0.0
    return 1 - residual / total


_FORMULAS: Final[dict[str, Callable[[Kind, Sample, MetricParameters], float]]] = {
    "accuracy": _accuracy,
    "error_rate": _error_rate,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _averaged,
    "precision": _averaged,
    "recall": _averaged,
    "log_loss": _log_loss,
    "mse": _mse,
    "rmse": _rmse,
    "mae": _mae,
    "r2": _r2,
}


def _equal(one: Hashable, other: Hashable) -> bool:
    return one == other


def _classes(sample: Sample) -> tuple[list[Hashable], list[Hashable]]:
    """Labels and predictions as comparable classes: numbers when both are all numeric, text when neither is."""
    if sample.predictions is None:
        raise Unrecomputable("there is no column of predictions")
    truth, guesses = _keys(sample.labels), _keys(sample.predictions)
    if _are_text(truth) != _are_text(guesses):
        raise Unrecomputable("labels are numbers and predictions are text, or the other way round")
    return truth, guesses


def _are_text(keys: list[Hashable]) -> bool:
    return isinstance(keys[0], str)


def _keys(values: Sequence[str]) -> list[Hashable]:
    numbers = [number(value) for value in values]
    for row, (text, value) in enumerate(zip(values, numbers, strict=True), start=1):
        if not text.strip() or value != value:  # noqa: PLR0124 - NaN
            raise Unrecomputable(f"row {row} has no value")
    if any(value is None for value in numbers):
        return [text.strip() for text in values]
    return list(numbers)


def _positive(classes: Counter[Hashable], parameters: MetricParameters) -> Hashable:
    """The positive class: the declared one; 1 where all classes are 0 and 1."""
    declared = parameters.positive
    if declared is None:
        if all(value in {0, 1} for value in classes):
            return 1
        raise Unrecomputable("with classes other than 0 and 1 it needs parameters.average, or parameters.positive")
    text = str(int(declared) if isinstance(declared, bool) else declared)
    keys: tuple[Hashable, ...] = (number(text), text.strip(), str(declared))
    found = next((key for key in keys if key is not None and key in classes), None)
    if found is None:
        raise Unrecomputable(f"the positive class {declared} does not occur")
    if len(classes) > 2:
        raise Unrecomputable(f"{len(classes)} classes need parameters.average")
    return found


def _numbers(values: Sequence[str], what: str) -> Iterator[Number]:
    for row, text in enumerate(values, start=1):
        value = number(text)
        if value is None or not math.isfinite(value):
            raise Unrecomputable(f"row {row} has no finite {what}")
        yield value


def _errors(sample: Sample) -> Iterator[float]:
    if sample.predictions is None:
        raise Unrecomputable("there is no column of predictions")
    for truth, guess in zip(_numbers(sample.labels, "label"), _numbers(sample.predictions, "prediction"), strict=True):
        yield float(guess) - float(truth)
