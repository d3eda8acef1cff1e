"""Draws curves: what was recorded, what came out of a re-execution over it, and the band that it may move in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from auditor.model.comparison import Comparison, Curve
from auditor.render.text import visible

_WIDTH, _HEIGHT, _MARGIN = 720, 180, 8
_DECADES = 1.5
"""From so many powers of ten between the smallest and the largest figure on, the axis is logarithmic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """One curve to draw, with its comparison."""

    comparison: Comparison
    curve: Curve
    logarithmic: bool

    @property
    def name(self) -> str:
        """What to call it."""
        return self.comparison.of.partition("#")[2] or self.comparison.of

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last step."""
        return self.curve.steps[0], self.curve.steps[-1]

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest figure."""
        figures = _figures(self.curve)
        return min(figures), max(figures)


def overlays(comparisons: Sequence[Comparison]) -> list[Overlay]:
    """The curves that have at least two steps and two figures, in order."""
    found = []
    for comparison in comparisons:
        curve = comparison.curve
        if curve is None or len(curve.steps) < 2 or len(figures := _figures(curve)) < 2:
            continue
        low, high = min(figures), max(figures)
        found.append(Overlay(comparison=comparison, curve=curve, logarithmic=low > 0 and high / low > 10**_DECADES))
    return found


def overlay(shown: Overlay) -> Markup:
    """The allowed band, the recorded curve, the one that came out, and a mark at the worst step where it matters."""
    curve = shown.curve
    scale = _Scale(shown)
    pairs = list(zip(curve.steps, curve.expected, curve.allowed, strict=True))
    upper = [(step, one + off) for step, one, off in pairs if one is not None and off is not None]
    lower = [(step, one - off) for step, one, off in pairs if one is not None and off is not None]
    parts = [
        Markup('<polygon class="envelope" points="{}"/>').format(_points(scale, [*upper, *reversed(lower)])),
        *_lines("recorded", scale, curve.steps, curve.expected),
        *_lines("repeated", scale, curve.steps, curve.actual),
    ]
    worst = _worst(shown)
    if worst is not None:
        x, y = scale.at(*worst)
        parts.append(Markup('<circle class="worst" cx="{:.1f}" cy="{:.1f}" r="5"/>').format(x, y))
    label = f"{shown.name}: recorded and repeated from step {curve.steps[0]} to {curve.steps[-1]}"
    frame = Markup('<svg class="trace" role="img" aria-label="{}" viewBox="0 0 {} {}" width="100%">{}</svg>')
    return frame.format(visible(label), _WIDTH, _HEIGHT, Markup("").join(parts))


class _Scale:
    """Where in the picture a step and a figure lie."""

    def __init__(self, shown: Overlay) -> None:
        self._left, right = shown.span
        self._across = max(right - self._left, 1)
        self._logarithmic = shown.logarithmic
        low, high = map(self._bent, shown.range)
        self._low, self._up = low, (high - low) or 1.0

    def at(self, step: int, figure: float) -> tuple[float, float]:
        x = _MARGIN + (step - self._left) / self._across * (_WIDTH - 2 * _MARGIN)
        share = (self._bent(figure) - self._low) / self._up
        return x, _HEIGHT - _MARGIN - min(max(share, -0.05), 1.05) * (_HEIGHT - 2 * _MARGIN)

    def _bent(self, figure: float) -> float:
        return math.log10(max(figure, 1e-300)) if self._logarithmic else figure


def _lines(name: str, scale: _Scale, steps: Sequence[int], figures: Sequence[float | None]) -> Iterator[Markup]:
    """The curve in pieces: nothing is drawn where there is no figure."""
    piece: list[tuple[int, float]] = []
    for step, figure in [*zip(steps, figures, strict=True), (0, None)]:
        if figure is not None and math.isfinite(figure):
            piece.append((step, figure))
            continue
        if len(piece) == 1:
            x, y = scale.at(*piece[0])
            yield Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="2"/>').format(name, x, y)
        elif piece:
            yield Markup('<polyline class="{}" points="{}"/>').format(name, _points(scale, piece))
        piece = []


def _points(scale: _Scale, places: Sequence[tuple[int, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in (scale.at(*place) for place in places))


def _worst(shown: Overlay) -> tuple[int, float] | None:
    """Where the curve that came out is farthest off, if it is beyond what is allowed there."""
    excess = shown.comparison.excess
    told = (shown.comparison.worst or "").removeprefix("step ")
    if (excess is not None and excess <= 1) or not told.lstrip("-").isdigit():
        return None
    known = dict(zip(shown.curve.steps, shown.curve.actual, strict=True))
    figure = known.get(int(told))
    return None if figure is None or not math.isfinite(figure) else (int(told), figure)


def _figures(curve: Curve) -> list[float]:
    return [figure for figure in (*curve.expected, *curve.actual) if figure is not None and math.isfinite(figure)]
