"""Metrics of predicted classes: counts as integers, all from one confusion matrix. Each raises :class:`Unrecomputable`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass

from auditor.compare.errors import Unrecomputable
from auditor.compare.samples import Sample, classes_of, positive_of
from auditor.model.run import MetricParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Rows by true and predicted class: ``counts[true, predicted]``, absent for none."""

    counts: Counter[tuple[Hashable, Hashable]]

    @property
    def rows(self) -> int:
        """All rows."""
        return self.counts.total()

    @property
    def support(self) -> Counter[Hashable]:
        """Rows by true class."""
        return self._along(0)

    @property
    def claimed(self) -> Counter[Hashable]:
        """Rows by predicted class."""
        return self._along(1)

    @property
    def hits(self) -> Counter[Hashable]:
        """Rows whose class was predicted, by class."""
        return Counter({true: count for (true, guess), count in self.counts.items() if true == guess})

    def _along(self, side: int) -> Counter[Hashable]:
        tally: Counter[Hashable] = Counter()
        for pair, count in self.counts.items():
            tally[pair[side]] += count
        return tally


def confusion(sample: Sample, parameters: MetricParameters | None = None) -> Confusion:
    """The confusion matrix. Raises :class:`Unrecomputable`."""
    truth, guesses = classes_of(sample, parameters or MetricParameters())
    return Confusion(counts=Counter(zip(truth, guesses, strict=True)))


def accuracy(sample: Sample, parameters: MetricParameters) -> float:
    """The share of rows whose class was predicted."""
    table = confusion(sample, parameters)
    return table.hits.total() / table.rows


def error_rate(sample: Sample, parameters: MetricParameters) -> float:
    """The share of rows whose class was not predicted."""
    table = confusion(sample, parameters)
    return (table.rows - table.hits.total()) / table.rows


def balanced_accuracy(sample: Sample, parameters: MetricParameters) -> float:
    """The mean recall over the classes that occur."""
    table = confusion(sample, parameters)
    hits, support = table.hits, table.support
    return math.fsum(hits[value] / size for value, size in support.items()) / len(support)


def averaged(name: str, average: str | None, sample: Sample, parameters: MetricParameters) -> float:
    """F1, precision or recall, by its name; ``binary`` where no average is given. Undefined ones are 0."""
    table = confusion(sample, parameters)
    support, claimed, hits = table.support, table.claimed, table.hits
    classes = support | claimed

    def score(hit: int, claims: int, size: int) -> float:
        below = {"precision": claims, "recall": size, "f1": claims + size}[name]
        return (2 * hit if name == "f1" else hit) / below if below else 0.0

    match average or "binary":
        case "micro":
            return score(hits.total(), table.rows, table.rows)
        case "macro":
            return math.fsum(score(hits[c], claimed[c], support[c]) for c in classes) / len(classes)
        case "weighted":
            return math.fsum(score(hits[c], claimed[c], support[c]) * support[c] for c in classes) / table.rows
        case "binary":
            positive = positive_of(classes, parameters)
            return score(hits[positive], claimed[positive], support[positive])
        case other:
            raise Unrecomputable(f"the average {other} is unknown")
