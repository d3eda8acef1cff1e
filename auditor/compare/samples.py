"""Aligned columns of text, and what the formulas need to read in them: classes, numbers, probabilities."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from auditor.compare.errors import Unrecomputable
from auditor.compare.tables import Number, number
from auditor.model.run import MetricParameters

_TRUTH: Final = {"true": 1, "false": 0}
# Rows of probabilities sum to one but for rounding: single precision over many classes, and what printing cut off.
_SUM: Final = 1e-3
_MOST_PRINTED: Final = 1e-2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Aligned columns as text: the truth, and what was predicted for it.

    ``predictions`` are classes or numbers, ``probabilities`` those of the positive class or any scores, ``classes`` each
    class's probabilities by class, ``logarithms`` natural logarithms of the probabilities of tokens.
    """

    labels: Sequence[str] = ()
    predictions: Sequence[str] | None = None
    probabilities: Sequence[str] | None = None
    classes: Mapping[str, Sequence[str]] | None = None
    logarithms: Sequence[str] | None = None

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.labels or self.logarithms or ())


def keys(values: Sequence[str]) -> list[Hashable]:
    """Values as comparable classes: numbers when all are numeric (truth values are 1 and 0), else text.

    Raises:
        Unrecomputable: a value is missing.
    """
    numbers = [number(value) for value in values]
    for row, (text, value) in enumerate(zip(values, numbers, strict=True), start=1):
        if not text.strip() or value != value:  # noqa: PLR0124 - NaN
            raise Unrecomputable(f"row {row} has no value")
    if any(value is None for value in numbers):
        texts = [text.strip() for text in values]
        if all(text.lower() in _TRUTH for text in texts):
            return [_TRUTH[text.lower()] for text in texts]
        return list(texts)
    return list(numbers)


def classes_of(sample: Sample, parameters: MetricParameters) -> tuple[list[Hashable], list[Hashable]]:
    """The true and the predicted classes, numbers or text on both sides.

    With the parameter ``threshold`` the predicted class is the positive one where its probability reaches it.

    Raises:
        Unrecomputable: a missing column or value, or numbers on one side and text on the other.
    """
    truth = keys(labels_of(sample))
    if parameters.threshold is not None:
        return truth, _decided(truth, sample, parameters)
    if sample.predictions is None:
        raise Unrecomputable("there is no column of predictions")
    guesses = keys(sample.predictions)
    if isinstance(truth[0], str) != isinstance(guesses[0], str):
        raise Unrecomputable("labels are numbers and predictions are text, or the other way round")
    return truth, guesses


def _decided(truth: list[Hashable], sample: Sample, parameters: MetricParameters) -> list[Hashable]:
    found = Counter(truth)
    positive = positive_of(found, parameters)
    others = [value for value in found if value != positive] or [0 if positive == 1 else None]
    threshold = parameters.threshold or 0.0
    return [positive if value >= threshold else others[0] for value in scores_of(sample, positive)]


def labels_of(sample: Sample) -> Sequence[str]:
    """The column of labels. Raises :class:`Unrecomputable` when there is none."""
    if not sample.labels:
        raise Unrecomputable("there is no column of labels", hint="declare it under from.columns.label")
    return sample.labels


def positive_of(classes: Counter[Hashable], parameters: MetricParameters) -> Hashable:
    """The positive class: the declared one; 1 where all classes are 0 and 1.

    Raises:
        Unrecomputable: none is declared where one has to be, it does not occur, or there are more than two classes.
    """
    declared = parameters.positive
    if declared is None:
        if all(value in {0, 1} for value in classes):
            return 1
        raise Unrecomputable("with classes other than 0 and 1 it needs parameters.average, or parameters.positive")
    found = named(declared, classes)
    if found is None:
        raise Unrecomputable(f"the positive class {declared} does not occur")
    if len(classes) > 2:
        raise Unrecomputable(f"{len(classes)} classes need parameters.average")
    return found


def named(name: object, classes: Counter[Hashable]) -> Hashable | None:
    """The class that ``name`` means, as a number or as text."""
    text = str(int(name) if isinstance(name, bool) else name)
    known: tuple[Hashable, ...] = (number(text), text.strip(), str(name))
    return next((key for key in known if key is not None and key in classes), None)


def numbers(values: Sequence[str], what: str) -> Iterator[Number]:
    """Finite numbers. Raises :class:`Unrecomputable` for anything else."""
    for row, text in enumerate(values, start=1):
        value = number(text)
        if value is None or not math.isfinite(value):
            raise Unrecomputable(f"row {row} has no finite {what}")
        yield value


def scores_of(sample: Sample, positive: Hashable) -> list[Number]:
    """The positive class's scores: the only column, or its own among those of all classes.

    Raises:
        Unrecomputable: there is no such column, or a score is not finite.
    """
    if sample.probabilities is not None:
        return list(numbers(sample.probabilities, "probability"))
    if sample.classes is None:
        raise Unrecomputable("there is no column of probabilities", hint="declare it under from.columns.probability")
    return matrix(sample, {positive})[positive]


def probabilities_of(sample: Sample, positive: Hashable) -> list[Number]:
    """The positive class's probabilities. Raises :class:`Unrecomputable`, also for a number outside [0, 1]."""
    return in_range(scores_of(sample, positive))


def in_range(values: list[Number]) -> list[Number]:
    """The values. Raises :class:`Unrecomputable` for one outside [0, 1]."""
    for row, value in enumerate(values, start=1):
        if not 0 <= value <= 1:
            raise Unrecomputable(f"row {row} has the probability {value}, which is not between 0 and 1")
    return values


def matrix(sample: Sample, wanted: set[Hashable], *, normalised: bool = False) -> dict[Hashable, list[Number]]:
    """All classes' scores by class, the classes in ascending order.

    Args:
        sample: with a column for each class.
        wanted: classes that must be among them.
        normalised: whether the scores must be probabilities: in [0, 1], each row summing to one.

    Raises:
        Unrecomputable: they are not.
    """
    columns = sample.classes
    if columns is None:
        raise Unrecomputable("there are no columns with the probabilities of all classes")
    names = keys(list(columns))
    if len(set(names)) != len(names):
        raise Unrecomputable("two columns of probabilities are of the same class")
    if strange := sorted(str(value) for value in wanted if value not in set(names)):
        raise Unrecomputable(f"there is no column of probabilities for the class {', '.join(strange[:5])}")
    found = {name: list(numbers(values, "probability")) for name, values in zip(names, columns.values(), strict=True)}
    if normalised:
        for values in found.values():
            in_range(values)
        _check_sums(columns, found)
    return dict(sorted(found.items(), key=lambda item: item[0]))  # type: ignore[arg-type, return-value]  # all numbers or all text


def _check_sums(columns: Mapping[str, Sequence[str]], found: dict[Hashable, list[Number]]) -> None:
    for row, values in enumerate(zip(*found.values(), strict=True)):
        total = math.fsum(values)
        allowed = _SUM
        if abs(total - 1) > allowed:  # rarely: only then it matters how many places were printed
            allowed = max(_SUM, min(_MOST_PRINTED, math.fsum(_half_unit(column[row]) for column in columns.values())))
        if abs(total - 1) > allowed:
            raise Unrecomputable(f"the probabilities of row {row + 1} sum to {total:.6g}, not to 1")


def _half_unit(text: str) -> float:
    _, _, places = text.strip().partition(".")
    return 0.5 * 10.0 ** -len(places) if places.isdigit() else 0.0


def complement(probability: Number) -> float:
    """One minus the probability, rounded once."""
    return float(1 - Fraction(probability))
