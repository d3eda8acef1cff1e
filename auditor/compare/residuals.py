"""Metrics of predicted numbers: sums rounded once. Each raises :class:`Unrecomputable`."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator

from auditor.compare.errors import Unrecomputable
from auditor.compare.samples import Sample, labels_of, numbers


def mse(sample: Sample) -> float:
    """The mean squared error."""
    return math.fsum(error * error for error in _errors(sample)) / sample.rows


def rmse(sample: Sample) -> float:
    """The root of the mean squared error."""
    return math.sqrt(mse(sample))


def mae(sample: Sample) -> float:
    """The mean absolute error."""
    return math.fsum(map(abs, _errors(sample))) / sample.rows


def mape(sample: Sample) -> float:
    """The mean absolute error as a share of the truth, which counts as at least one epsilon of a double."""
    sizes = (max(abs(float(value)), sys.float_info.epsilon) for value in numbers(labels_of(sample), "label"))
    return math.fsum(abs(error) / size for error, size in zip(_errors(sample), sizes, strict=True)) / sample.rows


def r2(sample: Sample) -> float:
    """The coefficient of determination; of a constant truth 1 where it is met and 0 otherwise."""
    truth = [float(value) for value in numbers(labels_of(sample), "label")]
    if len(truth) < 2:
        raise Unrecomputable("R2 of a single row is not defined")
    mean = math.fsum(truth) / len(truth)
    total = math.fsum((value - mean) ** 2 for value in truth)
    residual = math.fsum(error * error for error in _errors(sample))
    if total == 0:
        return 1.0 if residual == 0 else 0.0
    return 1 - residual / total


def _errors(sample: Sample) -> Iterator[float]:
    if sample.predictions is None:
        raise Unrecomputable("there is no column of predictions")
    for truth, guess in zip(numbers(labels_of(sample), "label"), numbers(sample.predictions, "prediction"), strict=True):
        yield float(guess) - float(truth)
