"""Chooses the segments to replay: those that a forger would have to doctor, and others drawn at random."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from auditor.commitment import challenge
from auditor.commitment.challenge import Commitment
from auditor.commitment.trace import Line
from auditor.compare.errors import Refused
from auditor.compare.update import distance
from auditor.errors import UndecidableError
from auditor.model.policy import Bound
from auditor.model.run import Run
from auditor.reproduce.segments.claimed import BrokenError, Claimed
from auditor.reproduce.segments.request import Challenge, identity

_JUMP = 100.0
_RATE = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The segments to replay, each with why; ``drawn`` are those of the draw, whether or not they are mandatory, too."""

    why: Mapping[int, str]
    drawn: frozenset[int]


def choose(run: Run, claimed: Claimed, asked: Challenge) -> Chosen:
    """The mandatory segments of a run, and the random ones that its commitment and the verifier's key decide."""
    why = dict(_mandatory(claimed, asked.top))
    commitment = Commitment(root=claimed.root, run=identity(run), policy=asked.policy)
    drawn = challenge.draw(challenge.seed(asked.key, commitment), claimed.segments, asked.segments)
    for segment in drawn:
        why.setdefault(segment, "drawn at random")
    return Chosen(why=dict(sorted(why.items())), drawn=frozenset(drawn))


def _mandatory(claimed: Claimed, top: int) -> Iterable[tuple[int, str]]:
    last = claimed.segments - 1
    found: dict[int, str] = {}
    for segment, why in [
        (0, "the first"),
        (last, "the last"),
        *_resumed(claimed),
        *_jumps(claimed),
        *_largest(claimed, top),
    ]:
        found.setdefault(segment, why)
    return found.items()


def _resumed(claimed: Claimed) -> list[tuple[int, str]]:
    ends = np.array([leaf.step for leaf in claimed.leaves[1:]])
    steps = [line.step for line in claimed.lines if line.resumed]
    return [(int(np.searchsorted(ends, step)), "training resumed in it") for step in steps if step <= ends[-1]]


def _jumps(claimed: Claimed) -> list[tuple[int, str]]:
    """Where state or hyperparameters are discontinuous: a generator that goes back, a rate that jumps."""
    found, seen = [], {claimed.leaves[0].rng: 0}
    for segment in range(claimed.segments):
        leaf = claimed.leaves[segment + 1]
        if leaf.rng in seen and claimed.leaves[segment].rng != leaf.rng:
            found.append((segment, "its random generator returns to an earlier state"))
        seen[leaf.rng] = segment
        if segment and _rate_jumps(claimed.steps(segment - 1)[-1], claimed.steps(segment)[0]):
            found.append((segment, "a hyperparameter jumps"))
    return found[:_MOST_JUMPS]


_MOST_JUMPS = 16


def _rate_jumps(one: Line, other: Line) -> bool:
    for name in one.hyperparameters.keys() | other.hyperparameters.keys():
        before, after = one.hyperparameters.get(name), other.hyperparameters.get(name)
        if before is None or after is None or (before == 0) != (after == 0):
            return True
        if before and not 1 / _RATE <= abs(after / before) <= _RATE:
            return True
    return False


def _largest(claimed: Claimed, top: int) -> list[tuple[int, str]]:
    """The ``top`` largest updates relative to the weights, and optimizer states that collapse or explode."""
    sizes: list[tuple[float, int]] = []
    collapsed: list[tuple[int, str]] = []
    for segment in range(claimed.segments if top else 0):
        try:
            one, other = claimed.checkpoint(segment), claimed.checkpoint(segment + 1)
            sizes.append((distance(one.weights, other.weights), segment))
        except (UndecidableError, Refused, BrokenError, KeyError, ValueError):
            continue  # a segment that cannot be read is no larger than others; it fails when it is replayed
        before, after = _norm(one.optimizer), _norm(other.optimizer)
        if before > 0 and not before / _JUMP <= after <= before * _JUMP:
            collapsed.append((segment, "the state of its optimizer collapses or explodes"))
    largest = sorted(sizes, reverse=True)[:top]
    return [*((segment, "one of the largest updates") for _, segment in largest), *collapsed[:_MOST_JUMPS]]


def _norm(arrays: Mapping[str, Any]) -> float:
    parts = (array.astype(np.float64).ravel() for array in arrays.values() if array.dtype.kind == "f")
    return math.sqrt(math.fsum(float(part @ part) for part in parts))


def out_of_bounds(lines: Sequence[Line], bounds: Mapping[str, Bound]) -> str | None:
    """The first step whose hyperparameters leave what the policy allows, in words."""
    for line in lines:
        if words := outside(line.hyperparameters | {"batch_size": float(line.size)}, bounds):
            return f"step {line.step}: {words}"
    return None


def outside(known: Mapping[str, float], bounds: Mapping[str, Bound]) -> str | None:
    """The first hyperparameter that leaves what the policy allows, or that nobody states, in words."""
    for name, bound in bounds.items():
        value = known.get(name)
        if value is None:
            return f"nothing says its {name}, for which the policy sets bounds"
        low = -math.inf if bound.minimum is None else bound.minimum
        high = math.inf if bound.maximum is None else bound.maximum
        if not low <= value <= high:
            return f"{name} is {value:g}, the policy allows {low:g} to {high:g}"
    return None


def configured(run: Run) -> dict[str, float]:
    """The numbers in a run's configuration by the names of their leaves, for a run whose steps are not noted."""
    found: dict[str, float] = {}
    pending: list[Any] = [run.configuration.effective if run.configuration else {}]
    while pending:
        for name, value in pending.pop().items():
            if isinstance(value, dict):
                pending.append(value)
            elif isinstance(value, int | float) and not isinstance(value, bool):
                found.setdefault(name, float(value))
    return found
