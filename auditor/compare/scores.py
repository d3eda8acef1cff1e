"""Metrics of probabilities and scores, by scikit-learn's definitions, ranks counted as integers.

With one column per class (see :meth:`auditor.compare.tables.Table.classes`) ROC AUC and average precision are one-vs-rest,
averaged over the classes; log loss and Brier score are those of the whole row.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from itertools import groupby
from typing import Final

from auditor.compare.errors import Unrecomputable
from auditor.compare.samples import (
    Sample,
    complement,
    keys,
    labels_of,
    matrix,
    numbers,
    positive_of,
    probabilities_of,
    scores_of,
)
from auditor.compare.tables import Number
from auditor.model.run import MetricParameters

_Curve = Callable[[list[bool], list[Number]], float]
# A log-softmax in single precision can come out this far above 0.
_ABOVE_ZERO: Final = 1e-6


def roc_auc(sample: Sample, average: str | None, parameters: MetricParameters) -> float:
    """The area under the ROC curve; several classes are averaged ``macro`` (the default) or ``weighted``.

    Raises:
        Unrecomputable: a class without rows, or all rows; scores that are missing or not finite; of several classes also
            probabilities that are none.
    """
    return _one_vs_rest(sample, average, parameters, _area)


def average_precision(sample: Sample, average: str | None, parameters: MetricParameters) -> float:
    """The average precision, Σ (R_n - R_{n-1}) P_n over distinct scores. Averages and errors as in :func:`roc_auc`."""
    return _one_vs_rest(sample, average, parameters, _precision)


def log_loss(sample: Sample, parameters: MetricParameters) -> float:
    """The mean negative logarithm of the true class's probability, which is clipped by one epsilon of a double.

    Raises:
        Unrecomputable: probabilities that are missing, outside [0, 1], or do not sum to one; a class without a column.
    """
    truth = keys(labels_of(sample))
    smallest = sys.float_info.epsilon
    losses = [-math.log(min(max(given, smallest), 1 - smallest)) for given in _of_the_truth(truth, sample, parameters)]
    return math.fsum(losses) / len(losses)


def brier(sample: Sample, parameters: MetricParameters) -> float:
    """The mean squared error of the probabilities: of the positive class, or summed over three classes and more.

    Raises:
        Unrecomputable: as :func:`log_loss`.
    """
    truth = keys(labels_of(sample))
    if sample.classes is None or len(sample.classes) == 2:
        given = list(_of_the_truth(truth, sample, parameters))
        return math.fsum((1 - probability) ** 2 for probability in given) / len(truth)
    columns = matrix(sample, set(truth), normalised=True)
    errors = (
        (float(value) - (label == name)) ** 2
        for name, values in columns.items()
        for label, value in zip(truth, values, strict=True)
    )
    return math.fsum(errors) / len(truth)


def top_k_accuracy(sample: Sample, k: int) -> float:
    """The share of rows whose class is among the ``k`` with the highest scores. Of equal scores the later class wins.

    Raises:
        Unrecomputable: no column for each class, scores that are not finite, a class without a column.
    """
    truth = keys(labels_of(sample))
    columns = matrix(sample, set(truth))
    places = {name: place for place, name in enumerate(columns)}
    hits = 0
    for label, row in zip(truth, zip(*columns.values(), strict=True), strict=True):
        own, at = row[places[label]], places[label]
        better = sum(score > own or (score == own and place > at) for place, score in enumerate(row))
        hits += better < k
    return hits / len(truth)


def perplexity(sample: Sample) -> float:
    """The exponential of the mean negative log-probability (natural logarithm) of the tokens, one a row.

    Raises:
        Unrecomputable: no such column, a value that is not finite or above 0, or a perplexity beyond every float.
    """
    if sample.logarithms is None:
        raise Unrecomputable("there is no column of log-probabilities", hint="declare it under from.columns.probability")
    values = []
    for row, value in enumerate(numbers(sample.logarithms, "log-probability"), start=1):
        if value > _ABOVE_ZERO:
            raise Unrecomputable(f"row {row} has the log-probability {value}, which is above 0")
        values.append(float(value))
    try:
        return math.exp(-math.fsum(values) / len(values))
    except OverflowError:
        raise Unrecomputable("its value is not finite") from None


def _of_the_truth(truth: list[Hashable], sample: Sample, parameters: MetricParameters) -> Iterator[float]:
    """The probability that was given to each row's own class."""
    if sample.classes is not None and sample.probabilities is None:
        columns = matrix(sample, set(truth), normalised=True)
        for row, label in enumerate(truth):
            yield float(columns[label][row])
        return
    positive = positive_of(Counter(truth), parameters)
    for label, probability in zip(truth, probabilities_of(sample, positive), strict=True):
        yield float(probability) if label == positive else complement(probability)


def _one_vs_rest(sample: Sample, average: str | None, parameters: MetricParameters, curve: _Curve) -> float:
    truth = keys(labels_of(sample))
    found = Counter(truth)
    if sample.probabilities is not None or (sample.classes is not None and len(sample.classes) == 2):
        if average not in {None, "binary", "macro", "weighted"}:
            raise Unrecomputable(f"the average {average} is unknown")
        positive = positive_of(found, parameters)
        return curve([label == positive for label in truth], scores_of(sample, positive))
    columns = matrix(sample, set(truth), normalised=True)
    areas = {name: curve([label == name for label in truth], values) for name, values in columns.items()}
    match average or "macro":
        case "macro":
            return math.fsum(areas.values()) / len(areas)
        case "weighted":
            return math.fsum(area * found[name] for name, area in areas.items()) / len(truth)
        case other:
            raise Unrecomputable(f"the average {other} is unknown for it")


def _groups(flags: list[bool], scores: list[Number], *, descending: bool) -> Iterator[tuple[int, int]]:
    """Positive and other rows by distinct score, in order."""
    order = sorted(range(len(scores)), key=scores.__getitem__, reverse=descending)
    for _, places in groupby(order, key=scores.__getitem__):
        marks = [flags[place] for place in places]
        yield sum(marks), len(marks) - sum(marks)


def _area(flags: list[bool], scores: list[Number]) -> float:
    """Mann and Whitney's U over all pairs, a tie counting a half: twice U as an integer."""
    twice = below = 0
    for positives, others in _groups(flags, scores, descending=False):
        twice += positives * (2 * below + others)
        below += others
    pairs = sum(flags) * below
    if not pairs:
        raise Unrecomputable("it needs rows of the class and rows of others")
    return twice / (2 * pairs)


def _precision(flags: list[bool], scores: list[Number]) -> float:
    seen = hits = 0
    parts = []
    for positives, others in _groups(flags, scores, descending=True):
        hits += positives
        seen += positives + others
        parts.append(positives * hits / seen)
    if not hits:
        raise Unrecomputable("it needs rows of the class")
    return math.fsum(parts) / hits
