"""What exercising a run's seeds came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Liveness:
    """Whether the recorded seeds reach what the run computes.

    ``live``: another seed moved an output. ``seed-free``: no seed does, but the training data do. ``dead``: the outputs
    follow something else, or nothing. ``not-exercised``: the experiment could not be made. ``note`` says why, ``seconds`` is
    the wall time of the executions made for it.
    """

    status: Literal["live", "seed-free", "dead", "not-exercised"]
    note: str
    seconds: float = 0.0


_ORDER = ("not-exercised", "seed-free", "live", "dead")


def worse(one: Liveness | None, other: Liveness | None) -> Liveness | None:
    """What two stages of a run come to: a dead seed in one of them is one of the run; a live one tells more than none."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda found: _ORDER.index(found.status))
