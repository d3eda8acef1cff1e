"""Compares curves: figures that a run logged step by step."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import accumulate, pairwise
from math import inf
from pathlib import Path
from typing import Final

import msgspec

from auditor.compare.errors import Refused
from auditor.compare.metrics import compare_metric
from auditor.compare.tables import number, open_table, read_columns
from auditor.model.comparison import Comparison, Curve, Tolerance
from auditor.model.words import Agreement

STEPS: Final = ("step", "global_step", "iteration", "epoch")
_SHOWN: Final = 5
_DRAWN: Final = 200

Rule = tuple[Tolerance, int | None]
"""What a curve is allowed at each step, and the last step that is compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Curves over common steps: ``curves`` by name, as text, each as long as ``steps``; an empty cell logged nothing."""

    steps: tuple[int, ...]
    curves: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """How one curve compares.

    ``comparison`` is about ``metric:NAME``, its figures those of the ``worst`` step. ``first`` is the first step beyond the
    tolerance. ``running`` is the largest excess up to each of the compared ``steps``, in tolerances (infinite where none is
    allowed, or a figure is missing).
    """

    comparison: Comparison
    steps: tuple[int, ...]
    running: tuple[float, ...]
    first: int | None = None
    worst: int | None = None


def read_trace(path: Path, *, step: str | None = None, ignore: Sequence[str] = ()) -> Trace:
    """The curves of a table with a column of steps (``step``, ``global_step``, ``iteration`` or ``epoch``).

    Args:
        path: csv, tsv, jsonl or any other table.
        step: the name of that column where it has another.
        ignore: patterns of names that are no curves to compare (``*_seconds``).

    Raises:
        EmptySelectionError, UndecidableError: see :func:`auditor.compare.tables.open_table`.
        Refused: the same, no column of steps, a step that is no whole number, or steps that go backwards.
    """
    with open_table(path) as table:
        known = STEPS if step is None else (step,)
        name = next((name for name in known if name in table.header), None)
        if name is None:
            raise Refused(f"it has no column of steps ({', '.join(known)})")
        kept = [other for other in table.header if other != name and not any(fnmatchcase(other, one) for one in ignore)]
        columns = read_columns(table, [name, *kept])
    steps = tuple(_step(text, row) for row, text in enumerate(columns[name], start=1))
    for one, following in pairwise(steps):
        if following < one:
            raise Refused(f"its steps go backwards, from {one} to {following}")
    return Trace(steps=steps, curves={name: tuple(columns[name]) for name in kept})


def compare_traces(
    expected: Trace, actual: Trace, tolerance: Tolerance, horizon: int | None = None
) -> tuple[Divergence, ...]:
    """Whether curves agree, one after another, the steps themselves first: see :func:`compare_curves`."""
    return compare_curves(expected, actual, lambda _name: (tolerance, horizon))


def compare_curves(expected: Trace, actual: Trace, rule_for: Callable[[str], Rule]) -> tuple[Divergence, ...]:
    """Whether curves agree, each within its tolerance and up to its horizon; the steps first, up to the farthest horizon.

    Steps that only one side has, or has more often, diverged; a step that both repeat is ``inconclusive``, for nobody knows
    which of its figures counts. A figure that is missing on one side, NaN or infinite never agrees. Beyond the horizon
    (the last step compared, None for all of them) rounding alone drives runs apart, and nothing is compared.
    """
    names = [*expected.curves, *(name for name in actual.curves if name not in expected.curves)]
    rules = {name: rule_for(name) for name in names}
    horizons = [horizon for _, horizon in rules.values()]
    farthest = None if None in horizons or not horizons else max(horizon for horizon in horizons if horizon is not None)
    left, right = (_until(trace, farthest) for trace in (expected, actual))
    steps = _compare_steps(left, right, max(len(expected.steps) - len(left.steps), len(actual.steps) - len(right.steps)))
    curves = (
        _compare_curve(name, _until(expected, horizon), _until(actual, horizon), tolerance)
        for name, (tolerance, horizon) in rules.items()
    )
    return steps, *curves


def _step(text: str, row: int) -> int:
    value = number(text)
    if value is None or value != value or abs(value) == inf or value != int(value):  # noqa: PLR0124 - NaN
        raise Refused(f"the step of row {row} is no whole number: {text[:40]}")
    return int(value)


def _until(trace: Trace, horizon: int | None) -> Trace:
    if horizon is None:
        return trace
    count = sum(step <= horizon for step in trace.steps)
    return Trace(steps=trace.steps[:count], curves={name: values[:count] for name, values in trace.curves.items()})


def _compare_steps(left: Trace, right: Trace, beyond: int) -> Divergence:
    one, other = Counter(left.steps), Counter(right.steps)
    missing, extra = sorted((one - other).elements()), sorted((other - one).elements())
    repeated = sorted(step for step, count in (one & other).items() if count > 1)
    notes = [f"{what} {_listed(found)}" for what, found in (("missing", missing), ("not expected", extra)) if found]
    agreement = Agreement.DIVERGED if notes else Agreement.BITWISE
    if repeated:
        notes.append(f"repeated {_listed(repeated)}")
        agreement = max(agreement, Agreement.INCONCLUSIVE)
    if not one and not other:
        agreement = Agreement.NOT_EXERCISED
        notes.append("there are no steps to compare")
    if beyond:
        notes.append(f"{beyond} beyond the horizon not compared")
    comparison = Comparison(
        of="metric:steps",
        agreement=agreement,
        expected=len(left.steps),
        actual=len(right.steps),
        detectable=1.0,
        note=f"steps: {'; '.join(notes)}" if notes else None,
    )
    return Divergence(comparison=comparison, steps=(), running=(), first=min([*missing, *extra], default=None))


def _compare_curve(name: str, left: Trace, right: Trace, tolerance: Tolerance) -> Divergence:
    if name not in left.curves or name not in right.curves:
        comparison = compare_metric(name, None, None, tolerance)
        where = "recorded" if name in left.curves else "new"
        return Divergence(comparison=_noted(comparison, f"only the {where} trace has it"), steps=(), running=())
    ours, theirs = (dict(zip(trace.steps, trace.curves[name], strict=True)) for trace in (left, right))
    steps, results = [], []
    for step in ours:
        if step not in theirs or not (ours[step].strip() or theirs[step].strip()):
            continue
        steps.append(step)
        results.append(_compare_cell(name, ours[step], theirs[step], tolerance))
    if not results:
        comparison = Comparison(of=f"metric:{name}", agreement=Agreement.NOT_EXERCISED, note="no common step has a figure")
        return Divergence(comparison=comparison, steps=(), running=())
    excesses = [_excess(result) for result in results]
    worst = max(range(len(results)), key=lambda place: (results[place].agreement.rank, excesses[place]))
    first = next((step for step, result in zip(steps, results, strict=True) if result.agreement is Agreement.DIVERGED), None)
    note = None if first is None else f"diverged first at step {first}, worst at step {steps[worst]}"
    # What a curve could have hidden is what its most tolerant step would have.
    hidden = max((result.detectable for result in results if result.detectable is not None), default=None)
    comparison = msgspec.structs.replace(
        _noted(results[worst], note, detectable=hidden),
        first=_step_of(steps, next((at for at, one in enumerate(results) if one.agreement is not Agreement.BITWISE), None)),
        worst=_step_of(steps, worst if excesses[worst] else None),
        curve=_drawn(steps, results, worst),
    )
    return Divergence(
        comparison=comparison, steps=tuple(steps), running=tuple(accumulate(excesses, max)), first=first, worst=steps[worst]
    )


def _step_of(steps: Sequence[int], at: int | None) -> str | None:
    return None if at is None else f"step {steps[at]}"


def _drawn(steps: Sequence[int], results: Sequence[Comparison], worst: int) -> Curve:
    """The curve at so few steps as a picture can show, the last and the worst among them."""
    stride = -(-len(steps) // _DRAWN)
    places = sorted({*range(0, len(steps), stride), worst, len(steps) - 1})
    pairs = [(_number(results[at].expected), _number(results[at].actual), results[at].tolerance) for at in places]
    return Curve(
        steps=tuple(steps[at] for at in places),
        expected=tuple(one for one, _, _ in pairs),
        actual=tuple(other for _, other, _ in pairs),
        allowed=tuple(
            None if limit is None else limit.allows(max(abs(one or 0.0), abs(other or 0.0))) for one, other, limit in pairs
        ),
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and abs(value) <= sys.float_info.max else None


def _compare_cell(name: str, ours: str, theirs: str, tolerance: Tolerance) -> Comparison:
    one, other = number(ours), number(theirs)
    if one is None and other is None and ours.strip() == theirs.strip():  # words, such as the phase of training
        return Comparison(of=f"metric:{name}", agreement=Agreement.BITWISE, expected=ours, actual=theirs, excess=0.0)
    return compare_metric(name, one, other, tolerance)


def _excess(result: Comparison) -> float:
    return inf if result.excess is None else result.excess


def _noted(comparison: Comparison, note: str | None, *, detectable: float | None = None) -> Comparison:
    found = comparison.detectable if detectable is None else detectable
    return msgspec.structs.replace(comparison, note=note, detectable=found)


def _listed(steps: Sequence[int]) -> str:
    more = f" and {len(steps) - _SHOWN} more" if len(steps) > _SHOWN else ""
    return ", ".join(map(str, steps[:_SHOWN])) + more
