"""Judges figures by the bands that repeat runs taught, where a fixed tolerance alone would call them diverged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

import msgspec

from auditor.compare.patterns import most_specific
from auditor.compare.statistics.base import Judgement, Spread
from auditor.compare.statistics.interval import factor, interval_around
from auditor.compare.tolerance import Settled
from auditor.errors import UndecidableError
from auditor.model.band import Band, Better, Calibration
from auditor.model.comparison import Comparison, Tolerance
from auditor.model.policy import MetricPair
from auditor.model.words import Agreement

_FEWEST = 3
"""Repeats without which a band proves nothing unless the policy names a margin: with two, 15.6 deviations would agree."""


def by_bands(comparisons: Iterable[Comparison], tolerances: Settled) -> tuple[Comparison, ...]:
    """The same comparisons, those of diverged figures judged by their band where one counts.

    A figure within its fixed tolerance needs no statistics, and one that is missing or no number is beyond them. Where the
    repeats of this very run were measured, both figures have to fall into the interval around their mean; of another run
    only the spread is known, and the two figures are one draw each.
    """
    return tuple(_judged(comparison, tolerances) for comparison in comparisons)


def widest(tolerance: Tolerance, calibrations: Iterable[Calibration], name: str) -> Tolerance:
    """The most that any band may come to allow two draws of a figure, or the fixed tolerance where that is more.

    For asking whether it could ever reject a bad run, whatever machine the bands are about.
    """
    reaches = [
        factor(1, alpha=band.level, df=band.df or band.n - 1) * band.s
        for calibration in calibrations
        for band in calibration.bands
        if band.kind == "metric" and band.s and fnmatchcase(name, band.pattern)
    ]
    if not reaches or max(reaches) <= tolerance.absolute:
        return tolerance
    return msgspec.structs.replace(tolerance, absolute=max(reaches), source="band")


def decided(comparisons: Iterable[Comparison]) -> bool:
    """Whether a band decided any of these."""
    return any(c.tolerance is not None and c.tolerance.source.startswith("band: ") for c in comparisons)


def _judged(comparison: Comparison, tolerances: Settled) -> Comparison:
    kind, _, name = comparison.of.partition(":")
    found = tolerances.known.find("metric", name) if kind == "metric" else None
    expected, actual = _number(comparison.expected), _number(comparison.actual)
    if found is None or comparison.agreement is not Agreement.DIVERGED or expected is None or actual is None:
        return comparison
    band, own = found
    if not band.s:
        note = "; ".join(filter(None, (comparison.note, f"{band.n} repeats gave one and the same figure")))
        return msgspec.structs.replace(comparison, note=note)
    entry = most_specific(tolerances.metrics, name)
    pair = entry[1] if entry is not None else MetricPair()
    try:
        return _tested(comparison, (expected, actual), _Test(band=band, own=own, better=pair.better, margin=pair.margin))
    except UndecidableError as error:
        note = error.message if error.hint is None else f"{error.message}; {error.hint}"
        return msgspec.structs.replace(comparison, agreement=Agreement.INCONCLUSIVE, note=note)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Test:
    """The prediction interval of one band: around the mean of the run's own repeats, or from one draw to another."""

    band: Band
    own: bool
    better: Better
    margin: float | None

    @property
    def spread(self) -> Spread:
        """How the figure varies."""
        return Spread(sd=self.band.s or 0.0, df=self.band.df or self.band.n - 1)

    def around(self, centre: float, n: int, figure: float, better: Better) -> Judgement:
        """Whether a figure is one more draw."""
        return interval_around(centre, n, self.spread, [figure], alpha=self.band.level, better=better, margin=self.margin)


def _tested(comparison: Comparison, figures: tuple[float, float], test: _Test) -> Comparison:
    """Steps: 1 the interval, 2 every figure that has to fall into it, 3 too few repeats, 4 the comparison in its words."""
    expected, actual = figures
    band = test.band
    # 1
    around_mean = test.own and band.mean is not None
    centre, n = (band.mean, band.n) if around_mean and band.mean is not None else (expected, 1)
    # 2 - a claim that is higher than its repeats is no better for it: it counts on both sides
    judged = [test.around(centre, n, actual, test.better)]
    judged += [test.around(centre, n, expected, "either")] if around_mean else []
    worst = max(judged, key=lambda one: one.agreement)
    agreement, note = worst.agreement, worst.note
    # 3
    if agreement is Agreement.STATISTICALLY_CONSISTENT and test.margin is None and test.spread.df < _FEWEST - 1:
        agreement = Agreement.INCONCLUSIVE
        note = f"{note}; {band.n} repeats have too little power: repeat more, or set a margin in the policy"
    # 4
    half = factor(n, alpha=band.level, better=test.better, df=test.spread.df) * test.spread.sd
    apart = max(abs(actual - centre), abs(expected - centre))
    source = f"band: {band.pattern}, {band.n} repeats"
    return msgspec.structs.replace(
        comparison,
        agreement=agreement,
        tolerance=Tolerance(absolute=half, source=source, better=test.better),
        excess=apart / half,
        detectable=worst.detectable,
        note=note,
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
