"""Compares a replayed segment with the claimed one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from auditor.commitment.checkpoint import Checkpoint
from auditor.commitment.trace import Line
from auditor.compare.update import EXPLICABLE, Update, compare_update, distance
from auditor.model.comparison import Comparison, Tolerance
from auditor.model.words import Agreement
from auditor.reproduce.twin import SLACK

_INITIAL = {"float64": 1e-12, "float32": 1e-6, "float16": 1e-2, "bfloat16": 1e-1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a comparison: the state before and after a segment, and the steps between."""

    start: Checkpoint
    end: Checkpoint
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """The ρ that rounding causes in a segment, how far it moves the optimizer's state, and how that was measured."""

    rho: float
    optimizer: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a segment came to. ``vacuous``: nothing was trained in it, so that agreeing shows nothing."""

    comparison: Comparison
    vacuous: bool = False


def judge(  # noqa: PLR0913  (a segment has a name and a reason, two sides, and a way to ask for more)
    of: str, why: str, claimed: Side, replayed: Side, *, noise: Callable[[Update], Noise | None], from_scratch: bool
) -> Judged:
    """How the two sides of a segment agree.

    Args:
        of: what to call the segment.
        why: why it was replayed.
        claimed: what the run says.
        replayed: what came out here.
        noise: measures, when asked, what rounding causes; None where it cannot.
        from_scratch: the replay began at the beginning, so that its first state is an answer, too.
    """
    where = f"steps {claimed.start.step + 1} to {claimed.end.step}, {why}"
    # 1. What must be equal to the last bit: rows, hyperparameters, random generators.
    different = _exact(claimed, replayed)
    if different is not None:
        return Judged(comparison=Comparison(of=of, agreement=Agreement.DIVERGED, note=f"{different} ({where})"))
    # 2. The state that training began with.
    if from_scratch and (words := _initial(claimed.start, replayed.start)):
        return Judged(comparison=Comparison(of=of, agreement=Agreement.DIVERGED, note=f"{words} ({where})"))
    # 3. The update, relative to itself.
    try:
        update = compare_update(claimed.start.weights, claimed.end.weights, replayed.end.weights)
    except ValueError as error:
        return Judged(comparison=Comparison(of=of, agreement=Agreement.DIVERGED, note=f"{error} ({where})"))
    agreement, measured = update.judge(), None
    if update.asks_for_noise:
        measured = noise(update)
        agreement = update.judge(None if measured is None else measured.rho)
    words = _words(update, measured)
    # 4. The optimizer's state and the figures, which follow from the same arithmetic and have noise, too.
    noisy = 0.0 if measured is None else min(SLACK * max(measured.rho, measured.optimizer), EXPLICABLE)
    aside = _aside(claimed, replayed, max(update.gate.fails, noisy))
    if aside is not None and agreement <= Agreement.WITHIN_TOLERANCE:
        agreement, words = Agreement.DIVERGED, f"{aside}; {words}"
    comparison = Comparison(
        of=of,
        agreement=agreement,
        actual=update.rho if math.isfinite(update.rho) else None,
        tolerance=Tolerance(absolute=update.gate.passes, source=f"update error, {update.dtype}"),
        excess=update.rho / update.gate.passes if math.isfinite(update.rho) else None,
        detectable=update.gate.fails,
        note=f"{words} ({where})",
    )
    return Judged(comparison=comparison, vacuous=update.is_vacuous)


def _exact(claimed: Side, replayed: Side) -> str | None:
    if replayed.lines:
        for ours, theirs in zip(claimed.lines, replayed.lines, strict=False):
            if ours.batch != theirs.batch or ours.size != theirs.size:
                return f"at step {ours.step} the replay saw other rows than the run claims"
            if ours.hyperparameters != theirs.hyperparameters:
                return f"at step {ours.step} the replay used other hyperparameters than the run claims"
        if len(claimed.lines) != len(replayed.lines):
            return f"the replay did {len(replayed.lines)} steps, the run claims {len(claimed.lines)}"
    if claimed.end.digest("rng") != replayed.end.digest("rng"):
        return "the random generators ended in another state"
    return None


def _initial(claimed: Checkpoint, replayed: Checkpoint) -> str | None:
    if claimed.digest("weights") == replayed.digest("weights"):
        return None
    try:
        allowed = max(_INITIAL[array.dtype.name] for array in claimed.weights.values() if array.dtype.kind == "f")
        far = distance(claimed.weights, replayed.weights)
    except (KeyError, ValueError):
        return "training began with other tensors than the run claims"
    return None if far <= allowed else f"training began with other weights than the run claims (distance {far:.2g})"


def _aside(claimed: Side, replayed: Side, allowed: float) -> str | None:
    ours, theirs = claimed.end.optimizer, replayed.end.optimizer
    try:
        same = claimed.end.digest("optimizer") == replayed.end.digest("optimizer")
        far = 0.0 if same else distance(ours, theirs)
    except (KeyError, ValueError):
        return "the optimizer holds another state"
    if ours.keys() != theirs.keys() or not far <= allowed:
        return f"the optimizer's state differs by {far:.2g}"
    for one, other in zip(claimed.lines, replayed.lines, strict=False):
        for name, figure in one.metrics.items():
            if not _close(figure, other.metrics.get(name), allowed):
                return f"at step {one.step} the run claims {name} {figure}, the replay measured {other.metrics.get(name)}"
    return None


def _close(one: float | str, other: float | str | None, relative: float) -> bool:
    if isinstance(one, str) or isinstance(other, str) or other is None:
        return one == other
    return abs(one - other) <= relative * max(abs(one), abs(other), 1e-3)


def _words(update: Update, noise: Noise | None) -> str:
    rho = "not finite" if not math.isfinite(update.rho) else f"{update.rho:.2g}"
    words = f"update error {rho}, passes up to {update.gate.passes:g}, fails beyond {update.gate.fails:g}"
    if noise is not None:
        words += f"; {noise.words}"
    if update.worst > 10 * max(update.rho, update.gate.passes):
        words += f"; a single tensor is off by {update.worst:.2g}"
    return f"{words}; vacuous: nothing was trained" if update.is_vacuous else words
