"""What a comparison found, and what a re-execution of a recorded reproduction came to."""

from __future__ import annotations

import msgspec

from auditor.model.band import Better
from auditor.model.run import Json
from auditor.model.words import Agreement, Tier


class Tolerance(msgspec.Struct, frozen=True, kw_only=True):
    """Elementwise ``|a - b| <= absolute + relative * max(|a|, |b|)``; ``source`` says who set it.

    Where ``better`` is ``higher`` or ``lower``, a figure may change that way by any amount.
    """

    absolute: float = 0.0
    relative: float = 0.0
    source: str = "default"
    better: Better = "either"

    def allows(self, magnitude: float) -> float:
        """The largest difference allowed between two values of which the larger has this magnitude."""
        return self.absolute + self.relative * abs(magnitude)


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """What to draw of a curve: at some of its steps what was expected, what came out, and how far that may be off.

    None stands where there is no number.
    """

    steps: tuple[int, ...]
    expected: tuple[float | None, ...]
    actual: tuple[float | None, ...]
    allowed: tuple[float | None, ...]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One compared quantity.

    ``of`` is ``metric:NAME``, ``tensor:PATH#NAME``, ``trace:PATH#CURVE``, ``predictions:PATH`` or ``file:PATH``. ``excess``
    counts tolerances: 0 is equal, 1 is just at the limit, above 1 diverged; None where no tolerance applies. ``detectable``
    is the smallest drift that this comparison could have seen, in the quantity's own unit. ``first`` and ``worst`` name the
    first place that differs and the one with the largest excess, where a quantity has places (``[3, 7]``,
    ``row 5, prediction``, ``step 120``). ``note`` says why, in words.
    """

    of: str
    agreement: Agreement
    expected: Json = None
    actual: Json = None
    tolerance: Tolerance | None = None
    excess: float | None = None
    detectable: float | None = None
    first: str | None = None
    worst: str | None = None
    curve: Curve | None = None
    note: str | None = None


class ReproductionResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one tier of one reproduction showed.

    ``seconds`` is wall time; ``calibrated`` tells whether a measured band decided. ``environment`` is where interpreter and
    libraries came from: ``lock sha256:…``, ``image sha256:…``, ``current``, or "" when nothing was executed.
    """

    name: str
    tier: Tier
    agreement: Agreement
    isolation: str = "none"
    environment: str = ""
    executor: str = ""
    calibrated: bool = False
    seconds: float = 0.0
    comparisons: tuple[Comparison, ...] = ()
    note: str | None = None


def overall(comparisons: tuple[Comparison, ...] | list[Comparison]) -> Agreement:
    """The agreement of a whole: its worst part. Nothing compared is ``not-exercised``, never agreement."""
    return max((c.agreement for c in comparisons), default=Agreement.NOT_EXERCISED)
