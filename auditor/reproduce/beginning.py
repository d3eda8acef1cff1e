"""Judges the curves of a run's beginning: to the bit where that may be expected, else as far as rounding allows.

Between machines, and for programs that never come out the same twice, figures drift apart with every step. How far depends
on the program alone, so it is measured here: noise twins are the same beginning on data that differ in their last bit. T* is
the step at which one of them had gone its own way; the default table decides up to T*/2, and nothing does beyond it. Where
calibration taught bands of curves between the two machines, they decide instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from auditor.compare.curves import banded
from auditor.compare.traces import Trace
from auditor.errors import AuditorError
from auditor.model.comparison import Comparison
from auditor.model.words import Agreement
from auditor.reproduce import prefix
from auditor.reproduce.between import Rules
from auditor.reproduce.nudge import PRECISIONS
from auditor.reproduce.request import Request
from auditor.reproduce.trial import Lab, Trial
from auditor.reproduce.twin import Envelope, envelope

TWINS: Final = 4
_AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What the first steps showed, and what a person should know about how it was judged."""

    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...] = ()


def judge(lab: Lab, request: Request, first: Trial, steps: int, between: Rules) -> Begun:
    """The curves that ``first`` left over ``steps`` steps, against the recorded ones."""
    found = prefix.compare(request, first, steps, same=between.same, bands=between.tolerances)
    if all(one.agreement in _SETTLED for one in found) or (banded(between.tolerances) and not between.same):
        return Begun(comparisons=found)
    notes: list[str] = []
    if between.same:
        if _repeats(lab, request, first, steps):
            return Begun(comparisons=found)
        notes.append("not bitwise repeatable: two executions of the beginning differ from each other, too")
    request.progress("prefix: measuring what rounding can do")
    try:
        envelopes = _envelopes(lab, request, first, steps)
    except AuditorError as error:
        notes.append(f"no noise twin: {error.message}; the first {prefix.ELSEWHERE} steps at most are compared")
        return Begun(comparisons=prefix.compare(request, first, steps, same=False), notes=tuple(notes))
    notes.append(_told(envelopes, steps))
    horizons = {name: one.last for name, one in envelopes.items()}
    return Begun(comparisons=prefix.compare(request, first, steps, same=False, horizons=horizons), notes=tuple(notes))


_SETTLED: Final = frozenset({Agreement.BITWISE, Agreement.NOT_EXERCISED, Agreement.INCONCLUSIVE, Agreement.REFUSED})


def _repeats(lab: Lab, request: Request, first: Trial, steps: int) -> bool:
    """Whether a second execution leaves the very same curves; one that cannot be had takes nothing back."""
    try:
        again = lab.prepare(prefix.changes(steps), repeat=1)
        lab.run(again)
    except AuditorError:
        return True
    one, other = (prefix.left_by(request, trial, steps) for trial in (first, again))
    return not again.execution.succeeded or one == other


def _envelopes(lab: Lab, request: Request, first: Trial, steps: int) -> dict[str, Envelope]:
    """How far twins went from ``first``, curve by curve.

    Data that a program reads in double precision may be computed with in single: where the last bit of the one is lost in
    the other, that of the other is moved.

    Raises:
        AuditorError: there are no twins to be had.
    """
    reference = prefix.left_by(request, first, steps)
    twins: list[Trace] = []
    for precision in PRECISIONS:
        twins = list(_twins(lab, request, steps, precision))
        if any(twin != reference for twin in twins):
            return _measured(reference, twins, precision)
    return _measured(reference, twins, PRECISIONS[-1])


def _twins(lab: Lab, request: Request, steps: int, precision: str) -> Iterable[Trace]:
    for start in range(1, TWINS + 1, _AT_ONCE):
        pair = [lab.prepare(prefix.changes(steps), nudged=f"{precision}/{at}") for at in range(start, start + _AT_ONCE)]
        lab.run(*pair)
        yield from (prefix.left_by(request, twin, steps) for twin in pair)


def _measured(reference: Trace, twins: list[Trace], precision: str) -> dict[str, Envelope]:
    found = {}
    for name, curve in reference.curves.items():
        figures = [_figures(twin, name, reference.steps) for twin in twins]
        found[name] = envelope(reference.steps, _numbers(curve), figures, dtype=precision)
    return found


def _figures(twin: Trace, name: str, steps: tuple[int, ...]) -> list[float]:
    known = dict(zip(twin.steps, _numbers(twin.curves.get(name, ())), strict=False))
    return [known.get(step, float("nan")) for step in steps]


def _numbers(curve: Iterable[str]) -> list[float]:
    return [_number(text) for text in curve]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0  # words: they are compared as such, and no twin moves them


def _told(envelopes: dict[str, Envelope], steps: int) -> str:
    reached = [one.horizon for one in envelopes.values() if one.horizon is not None]
    far = max((one.running[-1] for one in envelopes.values() if one.running), default=0.0)
    if not reached:
        return f"rounding drives none of the {TWINS} noise twins apart within {steps} steps (at most {far:.2g} relative)"
    shortest = min(reached)
    return f"a noise twin went its own way at step {shortest} (T*): figures are compared up to half of that"
