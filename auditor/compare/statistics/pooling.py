"""Standard deviations from more runs than one project's own few.

A deviation of three runs is hardly known. Pooling joins groups that vary alike; shrinking moves a group's variance towards
a historical one that counts for ``prior.df`` runs: s̃² = (ν₀·s₀² + (n-1)·s²) / (ν₀ + n - 1), with ν₀ + n - 1 degrees of
freedom (Smyth 2004, Statistical Applications in Genetics and Molecular Biology 3, 3, equation for the posterior variance).
Who uses either must say so: it assumes that the groups vary alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from auditor.compare.statistics.base import Spread, finite, spread
from auditor.errors import UndecidableError


def pooled(groups: Sequence[Sequence[float]]) -> Spread:
    """The common standard deviation within groups of runs that may differ in their means. Single runs add nothing.

    Raises:
        UndecidableError: no group has two runs, or a figure is not finite.
    """
    spreads = [spread(finite(group, "the groups")) for group in groups if len(group) >= 2]
    df = math.fsum(one.df for one in spreads)
    if not spreads:
        raise UndecidableError("no group has two runs, so that no spread within one is known")
    return Spread(sd=math.sqrt(math.fsum(one.df * one.sd**2 for one in spreads) / df), df=df)


def shrunk(own: Spread | None, prior: Spread) -> Spread:
    """A group's own standard deviation (None for a single run) moved towards the historical ``prior``."""
    if own is None:
        return prior
    df = prior.df + own.df
    return Spread(sd=math.sqrt((prior.df * prior.sd**2 + own.df * own.sd**2) / df), df=df)
