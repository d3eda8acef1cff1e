"""The prediction interval: where one new run, or the mean of several, has to fall to be consistent with earlier ones.

Hahn and Meeker, Statistical Intervals (1991), sections 4.7 and 4.8: for n reference runs with mean x̄ and standard
deviation s, the mean of m new runs falls within x̄ ± t(1-α/2, n-1) · s · √(1/m + 1/n) with probability 1-α. A band of two
standard deviations is not that: it raises a false alarm for 22 % of honest runs at n = 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from auditor.compare.statistics.base import (
    POWER,
    Judgement,
    Spread,
    finite,
    level,
    mean,
    quantile,
    scipy_special,
    smallest,
    spread,
)
from auditor.model.band import Better

_TEST = "prediction interval"


def factor(n: int, *, m: int = 1, alpha: float = 0.05, better: Better = "either", df: float | None = None) -> float:
    """k(n): half the interval's width in standard deviations. ``df`` where the deviation was pooled from more than n runs.

    Raises:
        ValueError: fewer than one new run, or fewer than two reference runs without a ``df``.
    """
    df = n - 1 if df is None else df
    if n < 1 or m < 1 or df <= 0:
        raise ValueError("an interval needs a new run, a reference run, and a degree of freedom")
    return quantile(_confidence(alpha, better), df) * math.sqrt(1 / m + 1 / n)


def power(  # noqa: PLR0913 - a drift, and the five numbers that describe an interval
    drift: float, n: int, *, m: int = 1, alpha: float = 0.05, better: Better = "either", df: float | None = None
) -> float:
    """The probability of seeing a drift, given in standard deviations.

    With a true shift δσ the statistic follows the noncentral t distribution with noncentrality δ / √(1/m + 1/n) (Johnson
    and Welch 1940).
    """
    df = n - 1 if df is None else df
    special = scipy_special()
    critical = quantile(_confidence(alpha, better), df)
    shift = abs(drift) / math.sqrt(1 / m + 1 / n)
    beyond = 1 - float(special.nctdtr(df, shift, critical))
    if better == "either":
        # The far tail by symmetry, P(T <= -c | shift) = P(T >= c | -shift): nctdtr wants a shift that is not negative.
        beyond += float(special.nctdtr(df, shift, -critical))
    return min(1.0, beyond) if math.isfinite(beyond) else 1.0


def detectable(n: int, *, m: int = 1, alpha: float = 0.05, better: Better = "either", df: float | None = None) -> float:
    """The smallest drift, in standard deviations, that is seen with 80 % power."""
    return smallest(lambda drift: power(drift, n, m=m, alpha=alpha, better=better, df=df) >= POWER)


def prediction_interval(  # noqa: PLR0913 - the figures, and how they are to be judged
    references: Sequence[float],
    new: Sequence[float],
    *,
    alpha: float = 0.05,
    better: Better = "either",
    margin: float | None = None,
    floor: float = 0.0,
    prior: Spread | None = None,
) -> Judgement:
    """Whether the mean of the new runs is consistent with the reference runs.

    Args:
        references: figures of earlier runs of the same code and data, with other seeds.
        new: figures of one or more new runs.
        alpha: how often an honest run may be called diverged.
        better: ``higher`` and ``lower`` test only for a loss, at the whole ``alpha`` on that side.
        margin: the difference that matters, in the figure's unit. An interval wider than that proves nothing: inconclusive.
        floor: the step in which the figure moves or is printed (1/n for an accuracy); the interval is never narrower.
        prior: a pooled standard deviation (see :mod:`auditor.compare.statistics.pooling`) in place of the references' own.

    Raises:
        UndecidableError: a figure is not finite, or scipy is missing.
        ValueError: ``alpha`` is no significance level.
    """
    level(alpha)
    known, fresh = finite(references, "the reference runs"), finite(new, "the new runs")
    if not fresh or not known or (prior is None and len(known) < 2):
        return _undecided(f"{len(known)} reference runs and {len(fresh)} new ones: at least 2 and 1 are needed")
    return interval_around(
        mean(known), len(known), prior or spread(known), fresh, alpha=alpha, better=better, margin=margin, floor=floor
    )


def interval_around(  # noqa: PLR0913 - what is left of the references, and how the new figures are to be judged
    centre: float,
    n: int,
    estimate: Spread,
    new: Sequence[float],
    *,
    alpha: float = 0.05,
    better: Better = "either",
    margin: float | None = None,
    floor: float = 0.0,
) -> Judgement:
    """The same as :func:`prediction_interval` where only mean, number and spread of the references were kept.

    Raises:
        UndecidableError: a figure is not finite, or scipy is missing.
        ValueError: ``alpha`` is no significance level.
    """
    if estimate.sd == 0:
        return _undecided("the reference runs do not vary: compare by a tolerance or by the flip bound instead")
    fresh = finite(new, "the new runs")
    got = mean(fresh)
    sizes = {"n": n, "m": len(fresh)}
    half = max(factor(**sizes, alpha=alpha, better=better, df=estimate.df) * estimate.sd, floor)
    drift = max(detectable(**sizes, alpha=alpha, better=better, df=estimate.df) * estimate.sd, floor)
    low = -math.inf if better == "lower" else centre - half
    high = math.inf if better == "higher" else centre + half
    share = f"{got:.6g} against {centre:.6g} ± {half:.3g} ({1 - alpha:.0%}, {n} reference runs)"
    if not low <= got <= high:
        return Judgement(test=_TEST, word="diverged", low=low, high=high, detectable=drift, note=share)
    if margin is not None and half > margin:
        note = f"{share}, wider than the margin of {margin:.3g}: more reference runs are needed"
        return Judgement(test=_TEST, word="inconclusive", low=low, high=high, detectable=drift, note=note)
    note = f"{share}; a drift of {drift:.3g} would be seen with {POWER:.0%} power"
    return Judgement(test=_TEST, word="consistent", low=low, high=high, detectable=drift, note=note)


def _confidence(alpha: float, better: Better) -> float:
    return 1 - level(alpha) / (2 if better == "either" else 1)


def _undecided(note: str) -> Judgement:
    return Judgement(test=_TEST, word="inconclusive", low=-math.inf, high=math.inf, note=note)
