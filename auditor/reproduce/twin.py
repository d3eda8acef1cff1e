"""The noise twin: the same computation from weights that differ in their last bit shows what rounding alone can do.

A twin's distance grows with every step. As long as it does so steadily, ten times its running maximum bounds what another
processor's kernels do to an honest run; past the horizon T*, where the distance explodes, nothing short of statistics can
tell two honest runs apart. Compared is only up to T*/2: other kernels were seen to leave the envelope at 0.78 T*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from auditor.model.comparison import Curve

Array = NDArray[Any]

TWINS: Final = 8
"""How many twins a segment is judged by: one in two crosses a kink that an honest replay crossed."""

CUT: Final = 1e-4
"""The relative distance beyond which a twin has gone its own way; T* hardly depends on it."""

SLACK: Final = 10.0
"""How many times a measured envelope an honest run may be off."""

_DRAWN: Final = 400
_FLOOR: Final = {"float64": 1e-15, "float32": 1e-7, "float16": 1e-3, "bfloat16": 1e-2}


def perturbed(weights: Mapping[str, Array], seed: int) -> dict[str, Array]:
    """``weights`` with every floating point number moved to the next one above or below it, by a seeded coin."""
    coin = np.random.default_rng(seed)
    moved = {}
    for name in sorted(weights):
        tensor = weights[name]
        if tensor.dtype.kind != "f":
            moved[name] = tensor
            continue
        up = coin.integers(0, 2, tensor.shape).astype(bool)
        target = np.where(up, np.inf, -np.inf).astype(tensor.dtype)
        moved[name] = np.nextafter(tensor, target)
    return moved


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """How far twins went, step by step. ``running`` is the largest relative distance of any twin up to each of ``steps``."""

    steps: tuple[int, ...]
    running: tuple[float, ...]
    dtype: str = "float32"

    @property
    def horizon(self) -> int | None:
        """T*: the first step at which a twin had gone its own way, None where none did."""
        return next((step for step, far in zip(self.steps, self.running, strict=True) if not far <= CUT), None)

    @property
    def last(self) -> int:
        """The last step that may be compared: half the horizon, or the last one seen where it was not reached."""
        horizon = self.horizon
        if horizon is None:
            return self.steps[-1] if self.steps else 0
        return horizon // 2

    def allows(self, step: int) -> float:
        """The relative difference that rounding explains at ``step``; infinite beyond what may be compared."""
        if step > self.last:
            return np.inf
        known = [far for at, far in zip(self.steps, self.running, strict=True) if at <= step]
        return SLACK * max(known[-1] if known else 0.0, _FLOOR[self.dtype])

    def around(self, expected: Sequence[float], actual: Sequence[float]) -> Curve:
        """What to draw: ``expected``, this envelope around it as far as anything may be compared, and ``actual``."""
        stride = -(-len(self.steps) // _DRAWN)
        places = sorted({*range(0, len(self.steps), stride), len(self.steps) - 1})
        known = [(self.steps[at], _finite(expected[at]), _finite(actual[at])) for at in places]
        return Curve(
            steps=tuple(step for step, _, _ in known),
            expected=tuple(one for _, one, _ in known),
            actual=tuple(other for _, _, other in known),
            allowed=tuple(None if one is None else _finite(self.allows(step) * abs(one)) for step, one, _ in known),
        )


def _finite(figure: float) -> float | None:
    return float(figure) if np.isfinite(figure) else None


def envelope(
    steps: Sequence[int], reference: Sequence[float], twins: Sequence[Sequence[float]], *, dtype: str = "float32"
) -> Envelope:
    """The envelope of a curve (a loss, say): relative distances of ``twins`` from ``reference``, step by step.

    A figure of a twin that is not finite is infinitely far away.

    Raises:
        ValueError: the curves are not equally long, or there are none.
    """
    if not twins or any(len(curve) != len(steps) for curve in (reference, *twins)):
        raise ValueError("an envelope needs a reference and twins over the same steps")
    ours = np.asarray(reference, dtype=np.float64)
    theirs = np.asarray(twins, dtype=np.float64)
    with np.errstate(all="ignore"):
        far = np.abs(theirs - ours) / np.maximum(np.abs(ours), np.finfo(np.float64).tiny)
    far = np.where(np.isfinite(far), far, np.inf).max(axis=0)
    return Envelope(steps=tuple(steps), running=tuple(accumulate(map(float, far), max)), dtype=dtype)


def of_distances(steps: Sequence[int], distances: Sequence[Sequence[float]], *, dtype: str = "float32") -> Envelope:
    """The envelope of distances that were measured already, one row per twin."""
    far = [max(column) for column in zip(*distances, strict=True)]
    return Envelope(steps=tuple(steps), running=tuple(accumulate(far, max)), dtype=dtype)
