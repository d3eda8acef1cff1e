"""Finds figures that no set of predictions can give, from the figures alone.

An accuracy over n rows is k/n for a whole k. GRIM (Brown and Heathers 2017, Social Psychological and Personality Science 8,
363) asks whether one of these rounds to what was printed. Scores that stem from one confusion matrix constrain each other
further; that is mlscorecheck's business (Fazekas and Kovács 2024, Knowledge-Based Systems 301, 112221).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

from auditor.compare.formulas import kind_of
from auditor.errors import UndecidableError
from auditor.model.run import Metric

_MOST_PLACES: Final = 300
_COARSEST: Final = Fraction(5, 10**4)  # half a unit of the third decimal place
# Frameworks average in single precision: a few of its roundings (2**-24 each) are no sign of a figure that was made up.
_SINGLE: Final = Fraction(1, 10**6)
_AVERAGED: Final = ("mean", "avg", "average", "cv", "fold", "folds", "kfold", "oob", "running", "ema")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grim:
    """Whether ``value`` is a share of ``n`` rows, and the shares nearest to it, below and above."""

    possible: bool
    value: Decimal
    n: int
    below: float
    above: float
    tolerance: float


def half_unit(value: Decimal) -> Fraction:
    """Half a unit of the last decimal place that ``value`` was printed with."""
    exponent = value.as_tuple().exponent
    return Fraction(1, 2) * Fraction(10) ** (exponent if isinstance(exponent, int) else 0)


def printed(value: float | str) -> Decimal:
    """A figure as it was printed; of a float the shortest text that gives it back.

    Raises:
        ValueError: it is no finite number, or has more than 300 digits or places.
    """
    text = value.strip() if isinstance(value, str) else repr(value)
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text[:40]} is no number") from error
    if not number.is_finite() or abs(number.adjusted()) > _MOST_PLACES or len(number.as_tuple().digits) > _MOST_PLACES:
        raise ValueError(f"{text[:40]} is no finite number of a reasonable length")
    return number


def is_rounding_of(claim: float, value: float) -> bool:
    """Whether ``claim`` is ``value`` as people print it: rounded to three decimal places or more.

    Fewer places say too little to excuse a difference: 1.0 would be a rounding of 0.96.
    """
    try:
        shown = printed(claim)
    except ValueError:
        return False
    unit = half_unit(shown)
    return unit <= _COARSEST and math.isfinite(value) and abs(Fraction(shown) - Fraction(value)) <= unit


def printing_error(claim: float | None, value: float) -> float | None:
    """Half a unit of the last place of ``claim`` where it is ``value`` as printed and not ``value`` itself, else None."""
    if claim is None or claim == value or not is_rounding_of(claim, value):
        return None
    return float(half_unit(printed(claim)))


def grim(value: float | str, n: int) -> Grim:
    """Whether a whole number of ``n`` rows can give the accuracy ``value``.

    The tolerance is half a unit of the printed precision, and at least what averaging in single precision loses (1e-6), or
    in half precision where the figure is one. A value above 1 is read as percent.

    Raises:
        ValueError: ``value`` is no finite number, or ``n`` is less than 1.
    """
    if n < 1:
        raise ValueError(f"{n} rows give no accuracy")
    number = printed(value)
    scale = 100 if number > 1 else 1
    share, slack = Fraction(number) / scale, max(half_unit(number), _noise(number)) / scale
    low, high = math.floor(share * n), math.ceil(share * n)
    # Every multiple between the two bounds of rounding is a candidate; more than one fits where n is large.
    first, last = math.ceil((share - slack) * n), math.floor((share + slack) * n)
    possible = max(first, 0) <= min(last, n)
    return Grim(
        possible=possible,
        value=number,
        n=n,
        below=float(Fraction(scale * low, n)),
        above=float(Fraction(scale * high, n)),
        tolerance=float(slack * scale),
    )


def is_share_of_rows(metric: Metric) -> bool:
    """Whether a metric is an accuracy over rows: by its kind, else its name, and neither averaged nor top-k."""
    kind = kind_of(metric.kind or metric.name, metric.parameters)
    words = set(metric.name.lower().replace("/", "_").replace("-", "_").replace(".", "_").split("_"))
    averaged = metric.parameters is not None and (metric.parameters.average, metric.parameters.k) != (None, None)
    return kind is not None and kind.name == "accuracy" and not averaged and words.isdisjoint(_AVERAGED)


def contradictory_scores(positives: int, negatives: int, scores: Mapping[str, float], *, within: float) -> bool:
    """Whether no confusion matrix with these totals gives all the scores, each to within ``within``.

    Args:
        positives: rows of the positive class.
        negatives: the other rows.
        scores: by mlscorecheck's names (``acc``, ``sens``, ``spec``, ``ppv``, ``npv``, ``f1``, ``bacc``, ``mcc``...).
        within: half a unit of the printed precision, or more.

    Raises:
        UndecidableError: mlscorecheck is not installed.
        ValueError: impossible totals, an unknown score, or one that is not finite.
    """
    if positives < 1 or negatives < 1 or not within > 0:
        raise ValueError(f"{positives} positives, {negatives} negatives, within {within}: all of them are above 0")
    if not scores or not all(map(math.isfinite, scores.values())):
        raise ValueError("the scores are none, or one of them is not finite")
    try:
        from mlscorecheck.check.binary import check_1_testset_no_kfold  # noqa: PLC0415 - slow to import
        from mlscorecheck.core import logger  # noqa: PLC0415
        from mlscorecheck.scores import (  # noqa: PLC0415
            score_function_aliases,
            score_function_complements,
            score_functions_without_complements,
        )
    except ImportError as error:
        raise UndecidableError(
            "scores are checked against each other by mlscorecheck, which is not installed", hint="pip install mlscorecheck"
        ) from error
    # It passes over scores that it does not know, and over those of a beta that nobody gave it.
    known = {*score_functions_without_complements, *score_function_aliases, *score_function_complements} - {"fbp", "fbn"}
    if unknown := sorted(set(scores) - known):
        raise ValueError(f"mlscorecheck knows no score called {', '.join(unknown)}")
    logger.setLevel(logging.WARNING)  # it narrates every step on standard error
    result = check_1_testset_no_kfold(testset={"p": positives, "n": negatives}, scores=dict(scores), eps=within)
    return bool(result["inconsistency"])


def _noise(number: Decimal) -> Fraction:
    """What low-precision arithmetic may have moved a figure by.

    A figure that a half-precision number holds exactly may be one: bfloat16 has 8 significant bits and float16 has 11, so
    that a rounding moved it by at most 2**-8 or 2**-11 of itself. Few decimal fractions are of that kind (0.5625 is).
    """
    size = abs(Fraction(number))
    numerator, _ = float(number).as_integer_ratio()
    if float(number) == number:
        for bits in (8, 11):
            if numerator.bit_length() <= bits:
                return max(_SINGLE, size / 2**bits)
    return _SINGLE * max(Fraction(1), size)
