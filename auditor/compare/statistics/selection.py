"""Asks whether a claimed figure is the best of several seeds rather than a typical one.

Other seeds are run; the claim is one more draw from the same distribution unless it was picked. It is flagged when it lies
above the one-sided prediction limit x̄ + t(1-α, m-1) · s · √(1 + 1/m) of the m other runs (Hahn and Meeker 1991, section
4.8). The rank p = (1 + number of runs as good) / (m + 1) needs no normal distribution (Davison and Hinkley 1997, section
4.2.3), and cannot fall below 1 / (m + 1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from auditor.compare.statistics.base import POWER, Judgement, finite, level, mean, scipy_special, spread
from auditor.compare.statistics.interval import detectable, factor

_TEST = "cherry-picked seed"
_GRID = 20_000


def cherry_picked(
    claim: float, others: Sequence[float], *, better: Literal["higher", "lower"] = "higher", alpha: float = 0.05
) -> Judgement:
    """Whether the claimed figure is too good to be one draw among the runs with other seeds.

    ``diverged`` when it is beyond the one-sided limit. When the limit and the rank contradict each other although there are
    enough runs for the rank to speak, the figures are not normally distributed and the answer is ``inconclusive``. ``p`` is
    the rank's.

    Raises:
        UndecidableError: a figure is not finite, or scipy is missing.
        ValueError: ``alpha`` is no significance level.
    """
    level(alpha)
    (claimed,), runs = finite([claim], "the claims"), finite(others, "the runs with other seeds")
    if len(runs) < 2:
        return _undecided(f"{len(runs)} runs with other seeds: at least 2 are needed")
    estimate = spread(runs)
    if estimate.sd == 0:
        return _undecided("runs with other seeds do not vary: no seed can be picked, or none is live")
    # A figure that is too good is a drift upwards where higher is better: tested on that side alone.
    sign = 1 if better == "higher" else -1
    half = factor(len(runs), alpha=alpha, better="lower") * estimate.sd
    limit = mean(runs) + sign * half
    p = (1 + sum(sign * (run - claimed) >= 0 for run in runs)) / (len(runs) + 1)
    low, high = (-math.inf, limit) if better == "higher" else (limit, math.inf)
    beyond = not low <= claimed <= high
    speaks = 1 / (len(runs) + 1) <= alpha
    drift = detectable(len(runs), alpha=alpha, better="lower") * estimate.sd
    words = f"{claimed:.6g} against a limit of {limit:.6g} from {len(runs)} other seeds, rank p {p:.3g}"
    word: Literal["consistent", "inconclusive", "diverged"] = "diverged" if beyond else "consistent"
    if speaks and beyond != (p <= alpha):
        word, words = "inconclusive", f"{words}; limit and rank contradict each other"
    if word == "consistent":
        words = f"{words}; a lead of {drift:.3g} would be seen with {POWER:.0%} power"
    return Judgement(test=_TEST, word=word, low=low, high=high, detectable=drift, p=p, note=words)


def expected_best(k: int) -> float:
    """E[max of k]: by how many standard deviations the best of ``k`` normally distributed runs exceeds the mean.

    The expectation of the largest order statistic (Harter 1961, Biometrika 48, 151): the mean of the normal quantiles of
    u^(1/k) over uniform u, here at midpoints.

    Raises:
        ValueError: ``k`` is less than 1.
    """
    import numpy as np  # noqa: PLC0415 - only who asks for it pays for it

    if k < 1:
        raise ValueError("the best of no runs is not defined")
    uniform = (np.arange(_GRID) + 0.5) / _GRID
    return float(scipy_special().ndtri(uniform ** (1 / k)).mean())


def _undecided(note: str) -> Judgement:
    return Judgement(test=_TEST, word="inconclusive", low=-math.inf, high=math.inf, note=note)
