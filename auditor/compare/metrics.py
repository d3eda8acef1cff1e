"""Compares figures: one by one, by name, and from files."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Final

import msgspec

from auditor.compare.errors import Refused
from auditor.compare.source import Source
from auditor.compare.tolerance import is_ignored, metric_tolerance
from auditor.model.band import Better
from auditor.model.comparison import Comparison, Tolerance
from auditor.model.policy import Tolerances
from auditor.model.words import Agreement

_MAX_FILE: Final = 1 << 24
_MAX_DEPTH: Final = 32


def compare_metric(  # noqa: PLR0913 - two figures, and all that is known of how they move
    name: str,
    expected: float | None,
    actual: float | None,
    tolerance: Tolerance,
    *,
    quantum: float | None = None,
    printed: float | None = None,
    better: Better | None = None,
) -> Comparison:
    """Whether two figures agree, as ``metric:NAME``.

    Equal numbers are bitwise, whether written as integer or float (0.0 and -0.0 are not). A figure that is missing, NaN or
    infinite never agrees. ``excess`` is None where it is infinite: a difference where none is allowed. ``detectable`` is the
    smallest change of the figure that would have been seen.

    Args:
        name: what the figure is called.
        expected: the recorded figure.
        actual: the figure as it came out now.
        tolerance: the difference allowed; nothing below ever widens it.
        quantum: the step in which the figure moves (1/n for an accuracy): the first step beyond the tolerance is detectable.
        printed: half a unit of the last place that the expected figure was printed with: no smaller change is detectable,
            and a difference within it is named as one of printing.
        better: ``higher`` or ``lower`` accepts any change for the better and says so; None asks the tolerance.
    """
    of = f"metric:{name}"
    for side, value in (("expected", expected), ("actual", actual)):
        if value is None or not _is_finite(value):
            lacking = f"the {side} value is {'missing' if value is None else value}"
            return Comparison(
                of=of,
                agreement=Agreement.DIVERGED,
                expected=_plain(expected),
                actual=_plain(actual),
                tolerance=tolerance,
                note=lacking,
            )
    assert expected is not None  # noqa: S101 - the loop has returned otherwise
    assert actual is not None  # noqa: S101
    difference = _difference(expected, actual)
    allowed = tolerance.allows(max(abs(expected), abs(actual)))
    better = tolerance.better if better is None else better
    improved = (better == "higher" and actual > expected) or (better == "lower" and actual < expected)
    note: str | None = None
    if difference == 0 and _sign(expected) == _sign(actual):
        agreement = Agreement.BITWISE
    elif difference <= allowed:
        agreement = Agreement.WITHIN_TOLERANCE
    elif improved:
        agreement, note = Agreement.WITHIN_TOLERANCE, f"better by {difference:.3g}, where {better} is better"
    else:
        agreement, note = Agreement.DIVERGED, _apart(difference, printed)
    return Comparison(
        of=of,
        agreement=agreement,
        expected=expected,
        actual=actual,
        tolerance=tolerance,
        excess=_excess(0.0 if improved else difference, allowed),
        detectable=max(_detectable(allowed, quantum), printed or 0.0),
        note=note,
    )


def compare_metrics(
    expected: Mapping[str, float], actual: Mapping[str, float], tolerances: Tolerances
) -> tuple[Comparison, ...]:
    """One comparison per metric of either side that the policy does not ignore; one that is missing or new diverged.

    One that is missing while a new one has exactly its figure is named as renamed, and diverged all the same: which name
    a figure has is part of the claim. See :func:`ignored_metrics` for the others.
    """
    names = [name for name in _names(expected, actual) if not is_ignored(tolerances, name)]
    lost = {name: value for name, value in expected.items() if name in names and name not in actual}
    new = {name: value for name, value in actual.items() if name in names and name not in expected}
    compared = []
    for name in names:
        result = compare_metric(name, expected.get(name), actual.get(name), metric_tolerance(tolerances, name))
        others = [other for other, value in new.items() if value == lost[name]] if name in lost else []
        if len(others) == 1:
            result = msgspec.structs.replace(result, note=f"{result.note}; {others[0]} is new and has its figure: renamed?")
        compared.append(result)
    return tuple(compared)


def ignored_metrics(
    expected: Mapping[str, float], actual: Mapping[str, float], tolerances: Tolerances
) -> tuple[Comparison, ...]:
    """The metrics that the policy ignores: listed as ``not-exercised``, for reports only, and never counted."""
    return tuple(
        Comparison(
            of=f"metric:{name}",
            agreement=Agreement.NOT_EXERCISED,
            expected=_plain(expected.get(name)),
            actual=_plain(actual.get(name)),
            note="ignored by policy",
        )
        for name in _names(expected, actual)
        if is_ignored(tolerances, name)
    )


def read_metrics_file(path: Path) -> dict[str, float]:
    """All numbers of a JSON object under dotted names (``test.accuracy``, ``per_class.0``), in the file's order.

    ``null`` becomes NaN: a figure that is missing. Text and booleans are no figures and left out.

    Raises:
        EmptySelectionError: there is no such file.
        Refused: not a regular file, not JSON, not an object, a key or dotted name given twice, too large or too deep.
    """
    with Source(path) as source:
        if source.size > _MAX_FILE:
            raise Refused(f"its {source.size} bytes are too many for figures")
        raw = source.read(0, source.size)
    try:
        document = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise Refused("it is no JSON text") from error
    if not isinstance(document, dict):
        raise Refused("it is no JSON object of names and figures")
    figures: dict[str, float] = {}
    for name, value in _leaves(document, "", 0):
        if name in figures:
            raise Refused(f"it gives {name} twice")
        figures[name] = value
    return figures


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise Refused("it gives a key twice")
    return entries


def _leaves(value: object, name: str, depth: int) -> Iterator[tuple[str, float]]:
    if depth > _MAX_DEPTH:
        raise Refused(f"its figures are nested more than {_MAX_DEPTH} deep")
    match value:
        case dict():
            for key, inner in value.items():
                yield from _leaves(inner, f"{name}.{key}" if name else key, depth + 1)
        case list():
            for index, inner in enumerate(value):
                yield from _leaves(inner, f"{name}.{index}", depth + 1)
        case None:
            yield name, math.nan
        case bool() | str():
            return
        case int() | float():
            yield name, value


def _names(expected: Mapping[str, float], actual: Mapping[str, float]) -> list[str]:
    return [*expected, *(name for name in actual if name not in expected)]


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond every float
        return False


def _sign(value: float) -> float:
    return math.copysign(1, value)


def _excess(difference: float, allowed: float) -> float | None:
    if difference == 0:
        return 0.0
    if allowed == 0:
        return None
    excess = difference / allowed
    # The judgement is by subtraction, this figure by division: it must not round to the other side of 1.
    excess = min(excess, 1.0) if difference <= allowed else max(excess, math.nextafter(1, 2))
    return excess if math.isfinite(excess) else None


def _detectable(allowed: float, quantum: float | None) -> float:
    if quantum and math.isfinite(steps := allowed / quantum):
        allowed = (math.floor(steps) + 1) * quantum
    return min(allowed, sys.float_info.max)  # a tolerance that allows everything detects nothing that a float can say


def _difference(one: float, other: float) -> float:
    """The distance; an integer and a float are subtracted exactly, for beyond 2**53 Python would round the integer."""
    if type(one) is type(other):
        return abs(one - other)
    try:
        return float(abs(Fraction(one) - Fraction(other)))
    except OverflowError:
        return math.inf


def _apart(difference: float, printed: float | None) -> str:
    words = f"they differ by {difference:.3g}"
    if printed is not None and difference <= printed:
        return f"{words}, no more than printing cut off ({printed:.3g}): record more places, or allow it in the policy"
    return words


def _plain(value: float | None) -> float | str | None:
    return value if value is None or _is_finite(value) else str(value)
