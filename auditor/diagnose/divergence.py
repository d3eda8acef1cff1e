"""Says where two runs part first, and what that usually means.

The claimed trace and one made here are chained (each step's digest covers all steps before it): once the chains differ they
stay different, so halving finds the first step that differs. Within that step the stages are looked at in the order in which
a step goes through them; the first one that differs names the cause. Where only a figure differs, a noise twin tells whether
rounding explains it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from auditor.commitment import trace
from auditor.commitment.checkpoint import Checkpoint
from auditor.commitment.trace import Line
from auditor.errors import AuditorError
from auditor.model.comparison import Curve
from auditor.reproduce.request import Request
from auditor.reproduce.rig import Live
from auditor.reproduce.segments.claimed import Claimed
from auditor.reproduce.segments.replay import Replayed, Stretch, replay
from auditor.reproduce.twin import Envelope, envelope, perturbed

_TWINS: Final = 2

CAUSES: Final = {
    "initial weights": "another seed of the initialisation, another random generator, or parameters in another order",
    "random generator": "an extra or a missing draw before this step: augmentation, logging, another number of workers",
    "rows of the batch": "another order of the data: loader workers, the seed of the shuffle, an unsorted directory",
    "hyperparameters": "a schedule or a configuration value that is not the recorded one",
    "figures, by rounding": "floating point sums in another order (kernels, threads, another processor), no other code",
    "figures, at once": "a change of data, labels, learning rate or loss at this very step",
    "weights": "the update itself: another optimizer, its state, or a kernel that rounds differently",
}
"""What usually lies behind the first stage that differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parting:
    """Where two traces part: after ``step`` equal steps the next differs in ``stage``; None when they never do.

    ``curve`` shows the claimed figures with what rounding explains around them, and those made here.
    """

    step: int
    stage: str | None
    words: str
    curve: Curve | None = None


def first_difference(ours: Sequence[Line], theirs: Sequence[Line]) -> int | None:
    """The place of the first line that differs, by halving over chained digests; None where one is the other's beginning."""
    one, other = trace.chain(ours), trace.chain(theirs)
    low, high = 0, min(len(one), len(other))
    if high == 0 or one[high - 1] == other[high - 1]:
        return None
    while low < high:
        middle = (low + high) // 2
        if one[middle] == other[middle]:
            low = middle + 1
        else:
            high = middle
    return low


def stage_of(one: Line, other: Line, allowed: float | None) -> str:
    """The first stage of a step that differs. ``allowed`` is the relative difference that rounding explains, if known."""
    if one.batch != other.batch or one.size != other.size:
        return "rows of the batch"
    if one.hyperparameters != other.hyperparameters:
        return "hyperparameters"
    if one.digests.get("rng") != other.digests.get("rng"):
        return "random generator"
    if one.metrics != other.metrics:
        return "figures, by rounding" if _apart(one, other) <= (allowed or 0.0) else "figures, at once"
    return "weights"


def _apart(one: Line, other: Line) -> float:
    """The largest relative difference of a figure; infinite where one is missing or not finite."""
    worst = 0.0
    for name in one.metrics.keys() | other.metrics.keys():
        left, right = one.metrics.get(name), other.metrics.get(name)
        if left == right:
            continue
        if not isinstance(left, int | float) or not isinstance(right, int | float):
            return float("inf")
        worst = max(worst, abs(left - right) / max(abs(left), abs(right), 1e-300))
    return worst


def parting(rig: Live, request: Request, claimed: Claimed, folder: str) -> Parting:
    """Where a re-execution from the very beginning parts from what the run claims.

    Raises:
        AuditorError: it cannot be re-executed, or does not keep to the resume protocol.
    """
    total = claimed.leaves[-1].step
    done = _one(replay(rig, request, folder, Stretch(start=None, first=0, steps=total, every=total)))
    start = claimed.checkpoint(0)
    if start.digest("weights") != done.checkpoints[0].digest("weights"):
        return _told(0, "initial weights", "before the first step")
    place = first_difference(claimed.lines, done.lines)
    if place is None:
        ended = claimed.checkpoint(claimed.segments)
        same = ended.digest("weights") == done.checkpoints[total].digest("weights")
        words = "all steps are equal to the last bit" if same else "all steps look alike, and the weights at the end differ"
        return Parting(step=total, stage=None if same else "weights", words=words)
    one, other = claimed.lines[place], done.lines[place]
    differ = one.metrics != other.metrics
    name, bounds = _rounding(rig, request, claimed, folder, done) if differ else ("", None)
    stage = stage_of(one, other, bounds.allows(one.step) if bounds else None)
    found = _told(place, stage, f"at step {one.step} of {total}")
    if not differ:
        return found
    limit = f", rounding explains {bounds.allows(one.step):.2g} there" if bounds else ""
    curve = bounds.around(_curve(claimed.lines, name), _curve(done.lines, name)) if bounds else None
    words = f"{found.words} (figures are {_apart(one, other):.2g} apart{limit})"
    return Parting(step=place, stage=stage, words=words, curve=curve)


def _told(step: int, stage: str, where: str) -> Parting:
    return Parting(step=step, stage=stage, words=f"they part {where}, first in the {stage}: usually {CAUSES[stage]}")


def _rounding(rig: Live, request: Request, claimed: Claimed, folder: str, done: Replayed) -> tuple[str, Envelope | None]:
    """The name of the first figure of a step, and what rounding does to it, from twins of the first checkpoint."""
    first = done.lines[0]
    name = next((name for name, value in first.metrics.items() if isinstance(value, int | float)), None)
    if name is None:
        return "", None
    start: Checkpoint = claimed.checkpoint(0)
    total = claimed.leaves[-1].step
    stretches = [
        Stretch(start=claimed.file(0), first=0, steps=total, every=total, weights=perturbed(start.weights, number))
        for number in range(_TWINS)
    ]
    twins = [answer for answer in replay(rig, request, folder, *stretches) if isinstance(answer, Replayed)]
    curves = [_curve(twin.lines, name) for twin in twins]
    reference = _curve(done.lines, name)
    if not curves or any(len(curve) != len(reference) for curve in (*curves, _curve(claimed.lines, name))):
        return name, None
    dtype = max((a.dtype.name for a in start.weights.values() if a.dtype.kind == "f"), default="float32")
    return name, envelope([line.step for line in done.lines], reference, curves, dtype=dtype)


def _curve(lines: Sequence[Line], name: str) -> list[float]:
    return [float(line.metrics.get(name, "nan")) for line in lines]


def _one(answers: Sequence[Replayed | AuditorError]) -> Replayed:
    (answer,) = answers
    if isinstance(answer, AuditorError):
        raise answer
    return answer
