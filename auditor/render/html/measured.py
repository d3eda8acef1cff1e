"""Drawings of experiments: how far replayed segments are from what was claimed, and what each varied factor did."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from auditor.model.comparison import Comparison
from auditor.model.words import Agreement, Outcome
from auditor.render.text import visible

_LOW, _HIGH = -16.0, 1.0
_HEIGHT = 46
_GATE = Markup('<line class="actual" x1="{0:.2f}%" x2="{0:.2f}%" y1="4" y2="40"><title>{1}</title></line>')
_MARK = Markup('<circle class="claim {}" cx="{:.2f}%" cy="22" r="5"><title>{}</title></circle>')
_FRAME = Markup(
    '<svg class="segments" role="img" aria-label="update error of each replayed segment, log scale" '
    'width="100%" height="{}">{}</svg>'
)
_TONES = {Outcome.PASSED: "good", Outcome.FAILED: "bad"}


def segments(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons that are about replayed segments."""
    return [comparison for comparison in comparisons if comparison.of.startswith("segment:")]


def errors(found: Sequence[Comparison]) -> Markup:
    """A mark for each segment by its update error, on a log axis; lines where errors begin to be grey and to fail.

    Equality stands at the left end, what has no error to show at the right one.
    """
    parts = [Markup('<line class="axis" x1="0" x2="100%" y1="22" y2="22"/>')]
    for value, words in _gates(found):
        parts.append(_GATE.format(_place(value), words))
    for comparison in found:
        tone = _TONES.get(comparison.agreement.outcome, "unsure")
        error = comparison.actual if isinstance(comparison.actual, int | float) else None
        told = f"{comparison.of}: {comparison.agreement}" + ("" if error is None else f", update error {error:.2g}")
        place = _place(error) if error is not None else 100.0 if comparison.agreement is not Agreement.BITWISE else 0.0
        parts.append(_MARK.format(tone, min(max(place, 0.8), 99.2), visible(told)))
    return _FRAME.format(_HEIGHT, Markup("").join(parts))


def factors(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons that are about varied factors."""
    return [comparison for comparison in comparisons if comparison.of.startswith("factor:")]


def tone(comparison: Comparison) -> str:
    """The class of a factor's colour."""
    return _TONES.get(comparison.agreement.outcome, "unsure")


def name(comparison: Comparison) -> str:
    """What a comparison is about, without its kind."""
    return comparison.of.partition(":")[2]


def _gates(found: Sequence[Comparison]) -> list[tuple[float, str]]:
    passes = {c.tolerance.absolute for c in found if c.tolerance is not None and c.tolerance.absolute > 0}
    fails = {c.detectable for c in found if c.detectable}
    lines = [(value, f"agrees up to {value:g}") for value in sorted(passes)]
    return lines + [(value, f"fails beyond {value:g}") for value in sorted(fails)]


def _place(value: float) -> float:
    """The place on the axis, in percent."""
    exponent = _LOW if value <= 0 else math.log10(value)
    return 100 * (min(max(exponent, _LOW), _HIGH) - _LOW) / (_HIGH - _LOW)
