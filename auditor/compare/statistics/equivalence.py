"""Two one-sided tests: the only test here that may say *equivalent*.

Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15, 657; unequal variances after Welch (1947),
Biometrika 34, 28. Two arms are equivalent within ±Δ when the difference of their means is shown to be above -Δ and below
Δ, each at level α: the same as a (1 - 2α) confidence interval inside ±Δ. Not significantly different is not equivalent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from auditor.compare.statistics.base import POWER, Judgement, finite, level, mean, quantile, scipy_special, spread, tail

_TEST = "two one-sided tests"
_MOST_RUNS = 10_000
_GRID = 2_000


def equivalence(references: Sequence[float], new: Sequence[float], *, margin: float, alpha: float = 0.05) -> Judgement:
    """Whether two sets of runs have means less than ``margin`` apart.

    ``equivalent`` when the confidence interval of the difference lies inside ±margin, ``diverged`` when it lies wholly
    outside, ``inconclusive`` otherwise. ``low`` and ``high`` are that interval of new minus reference; ``p`` the larger of
    the two one-sided p-values.

    Raises:
        UndecidableError: a figure is not finite, or scipy is missing.
        ValueError: the margin is not positive, or ``alpha`` no significance level.
    """
    level(alpha)
    if not (math.isfinite(margin) and margin > 0):
        raise ValueError(f"{margin} is no margin: equivalence needs a difference that does not matter")
    known, fresh = finite(references, "the reference runs"), finite(new, "the new runs")
    if min(len(known), len(fresh)) < 2:
        note = f"{len(known)} and {len(fresh)} runs: each arm needs at least 2"
        return Judgement(test=_TEST, word="inconclusive", low=-math.inf, high=math.inf, note=note)
    # 1. the standard error and Welch's degrees of freedom
    parts = [(spread(arm).sd ** 2 / len(arm), len(arm) - 1) for arm in (known, fresh)]
    variance = math.fsum(part for part, _ in parts)
    if variance == 0:
        note = "neither arm varies: compare by a tolerance or by the flip bound instead"
        return Judgement(test=_TEST, word="inconclusive", low=-math.inf, high=math.inf, note=note)
    error = math.sqrt(variance)
    df = 1 / math.fsum((part / variance) ** 2 / count for part, count in parts)
    # 2. both one-sided tests, and the interval that says the same
    difference = mean(fresh) - mean(known)
    p = max(tail((difference + margin) / error, df), tail((margin - difference) / error, df))
    half = quantile(1 - alpha, df) * error
    low, high = difference - half, difference + half
    words = (
        f"the means differ by {difference:.3g}, {1 - 2 * alpha:.0%} interval {low:.3g} to {high:.3g}, margin {margin:.3g}"
    )
    if -margin < low and high < margin:
        return Judgement(test=_TEST, word="equivalent", low=low, high=high, p=p, detectable=margin, note=words)
    if low >= margin or high <= -margin:
        return Judgement(test=_TEST, word="diverged", low=low, high=high, p=p, note=words)
    return Judgement(test=_TEST, word="inconclusive", low=low, high=high, p=p, note=f"{words}: more runs are needed")


def power(margin: float, runs: int, *, alpha: float = 0.05) -> float:
    """The probability of showing equivalence of two arms that are equal, ``runs`` each, the margin in standard deviations.

    Given the pooled variance the two tests pass with probability 2Φ(Δ/SE - t·s) - 1; that is averaged over the variance's
    chi-square distribution (Phillips 1990, Journal of Pharmacokinetics and Biopharmaceutics 18, 137), at midpoints of its
    quantiles.
    """
    import numpy as np  # noqa: PLC0415 - only who plans runs pays for it

    special = scipy_special()
    df = 2 * runs - 2
    quantiles = (np.arange(_GRID) + 0.5) / _GRID
    deviations = np.sqrt(special.chdtri(df, 1 - quantiles) / df)
    reach = margin / math.sqrt(2 / runs) - quantile(1 - level(alpha), df) * deviations
    return float(np.clip(2 * special.ndtr(reach) - 1, 0, None).mean())


def runs_needed(margin: float, *, alpha: float = 0.05) -> int:
    """Runs per arm to show the equivalence of equal arms with 80 % power; the margin in standard deviations.

    Raises:
        ValueError: more than 10,000.
    """
    found = next((runs for runs in range(2, _MOST_RUNS + 1) if power(margin, runs, alpha=alpha) >= POWER), None)
    if found is None:
        raise ValueError(f"a margin of {margin} standard deviations needs more than {_MOST_RUNS} runs per arm")
    return found
