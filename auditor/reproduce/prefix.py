"""Executes the beginning of a run again and compares the curves that both left: its first steps, not a copy made smaller.

The command is told by ``AUDITOR_STEPS`` how many steps to do and by ``AUDITOR_OUT`` where to leave its trace; one that
heeds neither is executed to its end, and only its first steps are looked at. A trace is a file of JSON lines, each with its
``step`` and figures, which may lie in objects.

How figures that drift apart are judged is a matter of :mod:`auditor.reproduce.beginning`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from auditor.compare.curves import banded, learned
from auditor.compare.errors import Refused
from auditor.compare.traces import Rule, Trace, compare_curves
from auditor.errors import AuditorError, UndecidableError
from auditor.model.comparison import Comparison, Tolerance
from auditor.model.policy import Tolerances
from auditor.model.run import Artifact, Json, Reproduction
from auditor.model.words import Agreement
from auditor.reproduce.bundle.nouns import Variation
from auditor.reproduce.configure import Changes
from auditor.reproduce.request import Request
from auditor.reproduce.trial import Trial

STEPS: Final = 100
"""How many steps are executed where nobody says otherwise."""

OUT: Final = "auditor-out"
_STEPS: Final = "AUDITOR_STEPS"
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,17}")
ELSEWHERE: Final = 200
"""How many are compared with those of another machine where nobody measured what rounding does to them."""

_TABLE: Final = Tolerance(absolute=1e-9, relative=1e-4, source="default table: loss of another executor, first steps")
_EXACT: Final = Tolerance(source="same executor class")
_LONGEST_LINE: Final = 1 << 20
_MOST: Final = 1_000_000
_DEEPEST: Final = 4


def trace_of(request: Request) -> Artifact | None:
    """The recorded trace, None for a run that left none."""
    return next((artifact for artifact in request.run.artifacts if artifact.role == "trace" and artifact.path), None)


def narrowed(request: Request, reproduction: Reproduction) -> tuple[Request, Reproduction]:
    """Both, for the beginning alone: its trace is all that it is to write."""
    trace = trace_of(request)
    others = [a.path for a in request.run.artifacts if a is not trace and a.path]
    view = msgspec.structs.replace(request.run, artifacts=(trace,) if trace else (), metrics=())
    outputs = (f"{OUT}/{PurePosixPath(trace.path or '').name}",) if trace else ()
    hidden = (*request.manifest_patterns, *others, *(f"{path}/**" for path in others))
    return (
        replace(request, run=view, manifest_patterns=hidden),
        msgspec.structs.replace(reproduction, outputs=outputs, scale={}, expect=None),
    )


def changes(steps: int) -> Changes:
    """What the command is told."""
    return Changes(variables={_STEPS: str(steps), "AUDITOR_OUT": OUT})


def steps_of(variation: Variation) -> int | None:
    """How many steps an execution was told to do; None where :func:`changes` did not tell it."""
    told = variation.variables.get(_STEPS, "")
    return int(told) if _NUMBER.fullmatch(told) else None


def left_by(request: Request, trial: Trial, steps: int) -> Trace:
    """The curves that an execution left over the first ``steps`` steps, without digests.

    Raises:
        UndecidableError: it left none. Refused: they cannot be read.
    """
    place = _made(request, trial)
    if place is None:
        raise UndecidableError("an execution of the beginning left no trace")
    return read(place, steps, request.tolerances.ignore, same=False)


def _made(request: Request, trial: Trial) -> Path | None:
    artifact = trace_of(request)
    if artifact is None or artifact.path is None:
        return None
    places = [trial.made(f"{OUT}/{PurePosixPath(artifact.path).name}"), trial.made(artifact.path)]
    return next((one.path for one in places if one.path is not None), None)


def compare(  # noqa: PLR0913  (three ways to say what a curve is allowed)
    request: Request,
    trial: Trial,
    steps: int,
    *,
    same: bool,
    horizons: Mapping[str, int] | None = None,
    bands: Tolerances | None = None,
) -> tuple[Comparison, ...]:
    """The curves of the first ``steps`` steps; ``same``: bit-equality may be expected.

    ``horizons`` are the last steps at which curves can be compared with those of another machine, where that was measured;
    ``bands`` hold what calibration taught about some curves, which counts before anything else.
    """
    artifact = trace_of(request)
    assert artifact is not None  # noqa: S101  (nothing is executed without one)
    assert artifact.path is not None  # noqa: S101  (the same)

    def answer(agreement: Agreement, note: str) -> tuple[Comparison, ...]:
        return (Comparison(of=f"file:{artifact.path}", agreement=agreement, expected=artifact.digest, note=note),)

    recorded = request.fetch(artifact)
    if recorded is None:
        return answer(Agreement.INCONCLUSIVE, "the recorded trace was found nowhere")
    made = _made(request, trial)
    if made is None:
        return answer(Agreement.DIVERGED, "the command left no trace, neither in AUDITOR_OUT nor where it was recorded")
    known = Tolerances() if bands is None else bands
    limit = steps if same or horizons is not None or banded(known) else min(steps, ELSEWHERE)
    try:
        ours, theirs = (read(place, limit, request.tolerances.ignore, same=same) for place in (recorded, made))
    except AuditorError as error:
        return answer(Agreement.INCONCLUSIVE, f"the traces cannot be read: {error.message}")
    if not ours.steps:
        return answer(Agreement.NOT_EXERCISED, "the recorded trace begins after the steps that were executed")

    def rule_for(name: str) -> Rule:
        if same:
            return _EXACT, None
        last = min(steps, ELSEWHERE) if horizons is None else horizons.get(name, limit)
        return learned(known, name) or (_TABLE, last)

    return tuple(one.comparison for one in compare_curves(ours, theirs, rule_for))


def read(place: Path, steps: int, ignore: Sequence[str], *, same: bool) -> Trace:
    """The curves of the first ``steps`` steps of a trace of JSON lines, objects in them flattened (``metrics.loss``).

    Digests of what was computed are left out where they cannot be the same.

    Raises:
        Refused: it is no such file, or its steps go backwards.
    """
    rows: list[tuple[int, dict[str, str]]] = []
    for line in _lines(place):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise Refused("it is no file of JSON lines") from None
        step = value.pop("step", None) if isinstance(value, dict) else None
        if not isinstance(step, int) or isinstance(step, bool):
            raise Refused("a line of it has no whole number as its step")
        if rows and step < rows[-1][0]:
            raise Refused(f"its steps go backwards, from {rows[-1][0]} to {step}")
        if step > steps:
            break
        cells = dict(_flat(value, "", 0))
        rows.append((step, {name: text for name, text in cells.items() if _counts(name, ignore, same=same)}))
    names = dict.fromkeys(name for _, cells in rows for name in cells)
    curves = {name: tuple(cells.get(name, "") for _, cells in rows) for name in names}
    return Trace(steps=tuple(step for step, _ in rows), curves=curves)


def _lines(place: Path) -> Iterator[bytes]:
    with place.open("rb") as stream:
        for _ in range(_MOST):
            line = stream.readline(_LONGEST_LINE)
            if not line:
                return
            if len(line) == _LONGEST_LINE:
                raise Refused("a line of it is too long")
            if line.strip():
                yield line


def _flat(value: dict[str, Json], prefix: str, depth: int) -> Iterator[tuple[str, str]]:
    for key, child in value.items():
        name = f"{prefix}{key}"
        if isinstance(child, dict) and depth < _DEEPEST:
            yield from _flat(child, f"{name}.", depth + 1)
        elif isinstance(child, float | str) or (isinstance(child, int) and not isinstance(child, bool)):
            yield name, child if isinstance(child, str) else repr(child)


def _counts(name: str, ignore: Sequence[str], *, same: bool) -> bool:
    last = name.rpartition(".")[2]
    if any(fnmatchcase(one, pattern) for pattern in ignore for one in (name, last)):
        return False
    return same or not name.startswith("digests.")
