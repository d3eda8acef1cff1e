"""Judges a replayed segment by its update: the error of the replay relative to what training did in the meantime.

ρ = ‖replayed - claimed‖ / ‖claimed - start‖. 0 is bit-equality, 1 as wrong as not training at all. A distance that is not
relative to the update lets any trajectory pass whose steps are small enough.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from auditor.model.words import Agreement

Array = NDArray[Any]
Weights = Mapping[str, Array]

VACUOUS: Final = 1e-8
"""An update of less than this share of the weights' norm is none: nothing was trained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Up to ``passes`` an update agrees, above ``fails`` it does not; between them a noise twin has to decide."""

    passes: float
    fails: float


GATES: Final = {
    "float64": Gate(passes=1e-9, fails=1e-6),
    "float32": Gate(passes=1e-4, fails=1e-3),
    "float16": Gate(passes=2e-2, fails=1e-1),
    "bfloat16": Gate(passes=2e-2, fails=1e-1),
}
"""The gates by precision."""
_ONE_TENSOR: Final = 100
"""A single tensor may be this many times worse than all together: small ones are noisy."""

EXPLICABLE: Final = 0.05
"""The largest ρ that noise may explain; beyond it nothing is asked any more."""

_COARSE: Final = frozenset({"float16", "bfloat16"})
_ROUNDING: Final = {"float64": 1e-15, "float32": 1e-7, "float16": 1e-3, "bfloat16": 1e-2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """How a replayed update compares with the claimed one.

    ``rho`` is infinite where the claimed update is nothing and the replayed one is not. ``worst`` is the largest ρ of a
    single tensor, from which one replaced layer cannot hide. ``relative`` is the claimed update relative to the weights;
    ``cosine`` compares directions.
    """

    rho: float
    worst: float
    relative: float
    cosine: float
    dtype: str

    @property
    def is_vacuous(self) -> bool:
        """Whether nothing was trained between the two checkpoints."""
        return self.relative < VACUOUS

    @property
    def gate(self) -> Gate:
        """The gate of this precision."""
        return GATES[self.dtype]

    @property
    def asks_for_noise(self) -> bool:
        """Whether a measurement of noise could change the answer.

        It could beyond the upper gate, too: where a rounding error pushes a unit of the network over its kink, an honest
        replay was seen to be off by 7e-3. A forgery of that size has no noise to hide in.
        """
        if self.rho == 0 or not self.rho <= EXPLICABLE:
            return False
        return self.dtype in _COARSE or self.rho > self.gate.passes or self.worst > self._limit

    @property
    def _limit(self) -> float:
        return min(_ONE_TENSOR * self.gate.fails, 0.5)

    def judge(self, noise: float | None = None) -> Agreement:
        """How the update agrees. ``noise`` is the ρ that a rounding error in the start causes, where it was measured.

        Without it the zone between the gates, and any half-precision update, is inconclusive: no number tells noise from
        fraud there.
        """
        if self.rho == 0:
            return Agreement.BITWISE
        if self.asks_for_noise and noise is not None:
            # Steady noise is bounded by ten times a twin's; a kink is crossed or not, and costs the same each time.
            slack = 10 if self.rho <= self.gate.fails else 2
            allowed = slack * max(noise, _ROUNDING[self.dtype])
            return Agreement.WITHIN_TOLERANCE if self.rho <= allowed else Agreement.DIVERGED
        if not math.isfinite(self.rho) or self.rho > self.gate.fails or self.worst > self._limit:
            return Agreement.DIVERGED
        return Agreement.INCONCLUSIVE if self.asks_for_noise else Agreement.WITHIN_TOLERANCE


def compare_update(start: Weights, claimed: Weights, replayed: Weights) -> Update:
    """How the update that a replay made compares with the one that the run claims.

    Raises:
        ValueError: the three do not hold the same tensors, or none with floating point numbers, or one that is not finite.
    """
    names = sorted(claimed)
    if sorted(start) != names or sorted(replayed) != names:
        raise ValueError("the checkpoints do not hold the same tensors")
    error = change = size = product = replay = worst = 0.0
    dtypes: set[str] = set()
    for name in names:
        one, two, new = start[name], claimed[name], replayed[name]
        if not one.shape == two.shape == new.shape or not one.dtype == two.dtype == new.dtype:
            raise ValueError(f"{name} has another shape or dtype")
        if two.dtype.kind != "f":
            if not np.array_equal(two, new):
                raise ValueError(f"{name} holds other whole numbers")
            continue
        dtypes.add(two.dtype.name)
        before, after, again = (part.astype(np.float64).ravel() for part in (one, two, new))
        e, u, v = again - after, after - before, again - before
        if not (np.isfinite(e).all() and np.isfinite(u).all()):
            raise ValueError(f"{name} holds a number that is not finite")
        error, change, replay = error + float(e @ e), change + float(u @ u), replay + float(v @ v)
        size, product = size + float(before @ before), product + float(u @ v)
        # An update of a few rounding errors says nothing alone; a tensor that stood still is measured by its size.
        noise = _ROUNDING.get(two.dtype.name, 0.0) * math.sqrt(float(after @ after))
        worst = max(worst, math.sqrt(float(e @ e)) / max(math.sqrt(float(u @ u)), 100 * noise, np.finfo(np.float64).tiny))
    if not dtypes:
        raise ValueError("the checkpoints hold no weights")
    return Update(
        rho=_ratio(error, change),
        worst=worst,
        relative=_ratio(change, size),
        cosine=product / math.sqrt(change * replay) if change and replay else 1.0 if change == replay else 0.0,
        dtype=max(dtypes, key=lambda name: GATES[name].fails if name in GATES else math.inf),
    )


def distance(one: Weights, other: Weights) -> float:
    """‖one - other‖ / ‖one‖ over all tensors."""
    parts = [(one[name].astype(np.float64).ravel(), other[name].astype(np.float64).ravel()) for name in one]
    error = math.fsum(float((b - a) @ (b - a)) for a, b in parts)
    return _ratio(error, math.fsum(float(a @ a) for a, _ in parts))


def _ratio(above: float, below: float) -> float:
    """√(above / below), for sums of squares; 0 of nothing is 0, something of nothing infinite."""
    if below == 0:
        return math.inf if above else 0.0
    return math.sqrt(above / below)
