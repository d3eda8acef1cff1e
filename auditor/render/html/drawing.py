"""Small static drawings (SVG) for the page: counts, divergence per tensor, and a claimed value on the interval around it.

Positions are percentages and sizes pixels, so that a drawing is as wide as its place without being distorted. Colours are
classes, for the page knows two colour schemes. Whatever a drawing shows stands in words or in a table beside it, too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from auditor.model.comparison import Comparison
from auditor.model.words import Agreement, Outcome
from auditor.render import reading
from auditor.render.text import visible

MOST_CELLS = 1024
"""Cells of a heat strip; more tensors than that share cells, each cell showing the worst of its own."""

_COLUMNS = 64
_FEWEST_COLUMNS = 20
_ROW = 26
_HEAT = ((1e-6, "h1"), (1e-3, "h2"), (1e-1, "h3"), (1.0, "h4"), (10.0, "h5"), (math.inf, "h6"))
"""Upper bounds of excess (tolerances) and their class: decades on a log scale, the limit between h4 and h5."""

LEGEND = (
    ("h0", "equal"),
    ("h1", "to 10⁻⁶"),
    ("h2", "to 10⁻³"),
    ("h3", "to 0.1"),
    ("h4", "to 1, the limit"),
    ("h5", "to 10"),
    ("h6", "more"),
    ("h7", "changed where nothing may"),
    ("hx", "not compared"),
)
"""Classes of a heat strip in order, and what each means in tolerances."""


def counts(tally: Mapping[Outcome, int]) -> Markup:
    """One bar of all results, a part for each outcome."""
    total = sum(tally.values())
    parts, start = [], 0.0
    for outcome, count in tally.items():
        share = 100 * count / total if total else 0.0
        if count:
            parts.append(_rect(f"o-{outcome}", x=start, width=share, y=0, height=14, title=f"{count} {outcome}"))
        start += share
    return _svg("bar", 14, parts, "how many checks came to each outcome")


def tensors(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons that are about tensors."""
    return [comparison for comparison in comparisons if comparison.of.startswith("tensor:")]


def heat(comparisons: Sequence[Comparison]) -> Markup:
    """A cell for each tensor, in the file's order; its colour tells the decade of its excess, in tolerances."""
    share = math.ceil(len(comparisons) / MOST_CELLS)
    groups = [comparisons[start : start + share] for start in range(0, len(comparisons), share)] if comparisons else []
    columns = min(max(_FEWEST_COLUMNS, len(groups)), _COLUMNS)
    cells = []
    for number, group in enumerate(groups):
        row, column = divmod(number, columns)
        worst = reading.worst_first(group)[0]
        also = f" (the worst of {len(group)})" if len(group) > 1 else ""
        told = f"{worst.of.removeprefix('tensor:')}{also}: {worst.agreement}{_times(worst)}"
        x, width = 100 * column / columns, 100 / columns
        cells.append(_rect(heat_class(worst), x=x, width=width, y=row * _ROW, height=_ROW - 2, title=told, gap=True))
    return _svg("heat", math.ceil(len(groups) / columns) * _ROW, cells, "divergence of each tensor, in the file's order")


def heat_class(comparison: Comparison) -> str:
    """The class of one tensor's colour."""
    match comparison.agreement:
        case Agreement.BITWISE:
            return "h0"
        case Agreement.REFUSED | Agreement.INCONCLUSIVE | Agreement.NOT_EXERCISED:
            return "hx"
        case _ if comparison.excess is None or math.isnan(comparison.excess):
            return "h7"
        case _ if comparison.excess == 0:
            return "h0"
        case _:
            return next(name for bound, name in _HEAT if comparison.excess <= bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A metric as it was claimed and as it came out. ``allowed`` is the largest difference that agrees, in its own unit."""

    comparison: Comparison
    claimed: float
    actual: float
    allowed: float


def intervals(comparisons: Sequence[Comparison]) -> list[Interval]:
    """The compared metrics that are numbers and have a tolerance, in order."""
    found = []
    for comparison in comparisons:
        claimed, actual = _number(comparison.expected), _number(comparison.actual)
        if not comparison.of.startswith("metric:") or claimed is None or actual is None or comparison.tolerance is None:
            continue
        allowed = comparison.tolerance.allows(max(abs(claimed), abs(actual)))
        found.append(Interval(comparison=comparison, claimed=claimed, actual=actual, allowed=allowed))
    return found


def interval(shown: Interval) -> Markup:
    """What came out in the middle, the allowed band around it, and the claim on it; an arrow where it lies far outside."""
    apart = shown.claimed - shown.actual
    away = apart / shown.allowed if shown.allowed > 0 else math.copysign(math.inf, apart) if apart else 0.0
    tone = "good" if shown.comparison.agreement.outcome is Outcome.PASSED else "bad"
    parts = [
        Markup('<line class="axis" x1="0" x2="100%" y1="14" y2="14"/>'),
        _rect("band", x=25, width=50, y=6, height=16, title=f"allowed: {shown.allowed:.3g} to either side"),
        Markup('<line class="actual" x1="50%" x2="50%" y1="3" y2="25"/>'),
    ]
    if math.isfinite(away) and abs(away) <= 1.9:
        mark = Markup('<circle class="claim {}" cx="{:.2f}%" cy="14" r="5"/>').format(tone, 50 + 25 * away)
    elif away < 0:
        mark = Markup('<svg x="0" width="14" height="28"><path class="claim {}" d="M12 7 2 14l10 7z"/></svg>').format(tone)
    else:
        inner = Markup('<svg x="-14" width="14" height="28"><path class="claim {}" d="m2 7 10 7-10 7z"/></svg>').format(tone)
        mark = Markup('<svg x="100%" width="1" height="28" overflow="visible">{}</svg>').format(inner)
    return _svg("interval", 28, [*parts, mark], f"claimed {shown.claimed!r}, came out {shown.actual!r}")


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _times(comparison: Comparison) -> str:
    return "" if comparison.excess is None else f", {comparison.excess:.3g} times the tolerance"


def _rect(  # noqa: PLR0913  (a rectangle has four sides)
    name: str, *, x: float, width: float, y: float, height: float, title: str, gap: bool = False
) -> Markup:
    shape = Markup('<rect class="{}" x="{:.3f}%" width="{:.3f}%" y="{}" height="{}" rx="{}"><title>{}</title></rect>')
    return shape.format(name, x, max(width - (0.25 if gap else 0), 0.05), y, height, 2 if gap else 0, visible(title))


def _svg(name: str, height: float, parts: Sequence[Markup], label: str) -> Markup:
    frame = Markup('<svg class="{}" role="img" aria-label="{}" width="100%" height="{}">{}</svg>')
    return frame.format(name, visible(label), height, Markup("").join(parts))
