"""The site's drawings (SVG), static: what they show stands in a table beside them, too."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from auditor.history.decay import Curve, Drift
from auditor.model.words import Verdict
from auditor.render.text import visible

_WIDE, _NARROW, _HEIGHT, _LEFT, _BOTTOM = 1100, 540, 240, 44, 28


def survival(curve: Curve) -> Markup:
    """Share of good runs by age, as steps, in its band."""
    longest = max(curve.ages, default=1.0) or 1.0
    steps = _steps(curve.ages, curve.share, longest)
    upper, lower = _steps(curve.ages, curve.high, longest), _steps(curve.ages, curve.low, longest)
    band = " ".join([*upper, *reversed(lower)])
    parts = [
        *_frame(longest, "days", _WIDE),
        Markup('<polygon class="band" points="{}"/>').format(band),
        Markup('<polyline class="line" points="{}"/>').format(" ".join(steps)),
    ]
    if curve.half_life is not None:
        x = _x(curve.half_life, longest)
        parts.append(Markup('<line class="mark" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>').format(x, _y(0.5), _y(0)))
    said = f"{curve.name}: share of runs that are still good, by age in days"
    return _svg(parts, said, _WIDE)


def trend(audits: Sequence[tuple[int, dict[str, int]]]) -> Markup:
    """The grades of all known runs after each audit, one bar an audit."""
    parts = [*_frame(float(len(audits)), "audits", _NARROW)]
    wide = (_NARROW - _LEFT) / max(len(audits), 1)
    for position, (number, grades) in enumerate(audits):
        total, below = sum(grades.values()) or 1, 0.0
        for verdict in Verdict:
            share = grades.get(verdict, 0) / total
            if share:
                shape = Markup(
                    '<rect class="v-{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"><title>{}</title></rect>'
                )
                said = f"audit {number}: {grades[verdict]} {verdict}"
                top = _y(below + share)
                parts.append(shape.format(verdict, _LEFT + position * wide, top, max(wide - 1, 0.5), _y(below) - top, said))
            below += share
    return _svg(parts, "grades of all known runs after each audit", _NARROW)


def drift(shown: Drift) -> Markup:
    """How a metric came out over time, around its claim and within what is allowed."""
    reach = max([abs(value - shown.claimed) for value in shown.actual] + [shown.allowed or 0.0]) * 1.1 or 1.0
    count = max(len(shown.actual) - 1, 1)

    def y(value: float) -> float:
        return 30 - 26 * (value - shown.claimed) / reach

    parts = []
    if shown.allowed:
        tall = y(shown.claimed - shown.allowed) - y(shown.claimed + shown.allowed)
        parts.append(
            Markup('<rect class="band" x="0" y="{:.2f}" width="240" height="{:.2f}"/>').format(
                y(shown.claimed + shown.allowed), tall
            )
        )
    parts.append(Markup('<line class="axis" x1="0" x2="240" y1="30" y2="30"/>'))
    for position, value in enumerate(shown.actual):
        x = 8 + 224 * position / count
        parts.append(Markup('<circle class="dot" cx="{:.1f}" cy="{:.2f}" r="3"/>').format(x, y(value)))
    said = visible(
        f"{shown.metric}: claimed {shown.claimed!r}, came out {', '.join(f'{value!r}' for value in shown.actual)}"
    )
    frame = Markup('<svg class="drift" viewBox="0 0 240 60" role="img" aria-label="{}">{}</svg>')
    return frame.format(said, Markup("").join(parts))


def _frame(longest: float, unit: str, width: int) -> list[Markup]:
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(Markup('<line class="grid" x1="{}" x2="{}" y1="{y}" y2="{y}"/>').format(_LEFT, width, y=_y(share)))
        parts.append(
            Markup('<text x="{}" y="{}" text-anchor="end">{}%</text>').format(_LEFT - 6, _y(share) + 4, int(100 * share))
        )
    for part in (0.0, 0.5, 1.0):
        anchor = {0.0: "start", 0.5: "middle", 1.0: "end"}[part]
        label = f"{longest * part:.0f} {unit}" if part else "0"
        x = _LEFT + part * (width - _LEFT)
        parts.append(Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(x, _HEIGHT - 8, anchor, label))
    return parts


def _steps(ages: Sequence[float], shares: Sequence[float], longest: float) -> list[str]:
    points, before = [f"{_LEFT},{_y(1.0)}"], 1.0
    for age, share in zip(ages, shares, strict=True):
        points += [f"{_x(age, longest):.2f},{_y(before):.2f}", f"{_x(age, longest):.2f},{_y(share):.2f}"]
        before = share
    return points


def _x(age: float, longest: float) -> float:
    return round(_LEFT + (_WIDE - _LEFT) * age / longest, 2)


def _y(share: float) -> float:
    return round((_HEIGHT - _BOTTOM) - (_HEIGHT - _BOTTOM - 8) * share, 2)


def _svg(parts: Sequence[Markup], said: str, width: int) -> Markup:
    frame = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    return frame.format(width, _HEIGHT, visible(said), Markup("").join(parts))
