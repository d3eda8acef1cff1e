"""What every test returns, and the few distribution functions that they share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from auditor.errors import UndecidableError
from auditor.model.words import Agreement

Word = Literal["consistent", "equivalent", "inconclusive", "diverged"]

POWER: Final = 0.8
"""The power at which a smallest detectable drift is stated."""

_FAR: Final = 1e6
_STEPS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a test says of new figures.

    ``low`` and ``high`` bound what would have been accepted (infinite on a side that is not tested), in the figure's own
    unit, as is ``detectable``: the smallest drift seen with 80 % power, None where the test has no statement on it. ``p``
    is a p-value where the test has one. ``note`` says why, in words.
    """

    test: str
    word: Word
    low: float
    high: float
    note: str
    detectable: float | None = None
    p: float | None = None

    @property
    def agreement(self) -> Agreement:
        """The word on the ladder of agreements."""
        match self.word:
            case "consistent" | "equivalent":
                return Agreement.STATISTICALLY_CONSISTENT
            case "inconclusive":
                return Agreement.INCONCLUSIVE
            case "diverged":
                return Agreement.DIVERGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A standard deviation ``sd`` and the degrees of freedom ``df`` it was estimated with."""

    sd: float
    df: float


def scipy_special() -> Any:
    """``scipy.special``.

    Raises:
        UndecidableError: scipy is not installed.
    """
    try:
        from scipy import special  # noqa: PLC0415 - only who judges statistically pays for it
    except ImportError as error:
        raise UndecidableError(
            "statistical comparison needs scipy, which is not installed", hint="pip install 'ml-run-auditor[statistics]'"
        ) from error
    return special


def quantile(probability: float, df: float) -> float:
    """The quantile of Student's t distribution."""
    return float(scipy_special().stdtrit(df, probability))


def tail(statistic: float, df: float) -> float:
    """The probability that Student's t exceeds ``statistic``."""
    return float(scipy_special().stdtr(df, -statistic))


def finite(values: Sequence[float], what: str) -> list[float]:
    """The values as floats.

    Raises:
        UndecidableError: one is NaN or infinite: nothing can be judged by it.
    """
    floats = [float(value) for value in values]
    if not all(map(math.isfinite, floats)):
        raise UndecidableError(f"{what} hold a figure that is not finite", hint="leave runs that failed out, and say so")
    return floats


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean, rounded once."""
    return math.fsum(values) / len(values)


def spread(values: Sequence[float]) -> Spread:
    """The sample standard deviation (n - 1 degrees of freedom) of at least two values."""
    centre = mean(values)
    df = len(values) - 1
    return Spread(sd=math.sqrt(math.fsum((value - centre) ** 2 for value in values) / df), df=df)


def level(value: float) -> float:
    """``value`` as a significance level.

    Raises:
        ValueError: it is not strictly between 0 and a half.
    """
    if not 0 < value < 0.5:
        raise ValueError(f"{value} is no significance level between 0 and 0.5")
    return value


def smallest(reaches: Callable[[float], bool]) -> float:
    """The smallest number from 0 for which the monotone ``reaches`` holds, by bisection; infinite where none below 1e6."""
    low, high = 0.0, 1.0
    while not reaches(high):
        low, high = high, 2 * high
        if high > _FAR:
            return math.inf
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle in {low, high}:
            break
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high
