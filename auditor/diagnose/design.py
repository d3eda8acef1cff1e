"""Plackett-Burman designs: the effect of eleven factors on a figure from twelve runs.

Plackett and Burman 1946, Biometrika 33, 305. Every factor is high in six runs and low in six, and any two are independent of
each other, so that an effect is the difference of two means of six: its standard error is 2σ/√12.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

_GENERATOR: Final = (1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0)

RUNS: Final = 12
"""Runs of the design, for up to ``RUNS - 1`` factors."""


def plackett_burman() -> tuple[tuple[int, ...], ...]:
    """Which factors are varied (1) in each of the twelve runs: eleven cyclic shifts of the generator, and none."""
    shifted = [tuple(_GENERATOR[(column - row) % 11] for column in range(11)) for row in range(11)]
    return (*shifted, (0,) * 11)


def effects(figures: Sequence[float]) -> tuple[float, ...]:
    """Each factor's effect: the mean figure of the runs that vary it less the mean of those that do not.

    Raises:
        ValueError: there are not twelve figures.
    """
    if len(figures) != RUNS:
        raise ValueError(f"the design has {RUNS} runs, not {len(figures)}")
    rows = plackett_burman()
    return tuple(
        (math.fsum(y for y, row in zip(figures, rows, strict=True) if row[factor])) / 6
        - (math.fsum(y for y, row in zip(figures, rows, strict=True) if not row[factor])) / 6
        for factor in range(11)
    )


def standard_error(deviation: float) -> float:
    """The standard error of an effect, from the standard deviation of one run's figure."""
    return 2 * deviation / math.sqrt(RUNS)
