"""Compares two sets of runs by a statistical test, metric by metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Literal

from auditor.compare.errors import Refused
from auditor.compare.statistics.base import Judgement, mean
from auditor.compare.statistics.equivalence import equivalence
from auditor.compare.statistics.holm import holm
from auditor.compare.statistics.interval import prediction_interval
from auditor.compare.statistics.rcp import convergence
from auditor.compare.statistics.selection import cherry_picked
from auditor.compare.tables import number, open_table, read_columns
from auditor.errors import EmptySelectionError, UndecidableError, UsageError
from auditor.model.band import Better
from auditor.model.comparison import Comparison
from auditor.model.policy import Tolerances
from auditor.model.words import Agreement

Test = Literal["interval", "equivalence", "seeds", "rcp-rules", "rcp-checker"]

_MOST_RUNS: Final = 10_000
_SUFFIXES: Final = (".run.yaml", ".run.json")

Figures = Mapping[str, Sequence[float | None]]
"""By metric one figure per run; None where a run has none, such as one that did not converge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What to ask of two sets of runs.

    Attributes:
        test: ``interval`` asks whether the mean of the new runs is one more draw, ``equivalence`` whether both means are
            less than ``margin`` apart, ``seeds`` whether one run is the best of several seeds rather than a typical one,
            ``rcp-*`` whether they converge too fast for the reference (the rules' deviation or the checker's).
        margin: the difference that matters, in the metric's unit.
        better: the direction of a gain.
        alpha: how often honest runs may be called diverged, over all metrics together.
        metric: the only one to look at.
    """

    test: Test
    margin: float | None = None
    better: Better = "either"
    alpha: float = 0.05
    metric: str | None = None


def read_runs(path: Path) -> dict[str, list[float | None]]:
    """The figures of runs: a folder of manifests, one manifest, or a table with a row per run and a column per metric.

    Raises:
        EmptySelectionError: no such path, or a folder without a manifest.
        Refused, UndecidableError, UnreadableError: something that cannot be read; only numbers and empty cells are figures.
    """
    if path.is_dir() or path.name.endswith(_SUFFIXES):
        return _of_manifests(path)
    with open_table(path) as table:
        columns = read_columns(table, table.header)
    rows = {name: [number(text) for text in column] for name, column in columns.items()}
    words = {name: [text for text, value in zip(columns[name], rows[name], strict=True) if value is None] for name in rows}
    # A column of words (the run's name) is no metric; an empty cell among numbers is a run without that figure.
    kept = {name: column for name, column in rows.items() if not any(text.strip() for text in words[name])}
    return {name: [None if value is None else float(value) for value in column] for name, column in kept.items()}


def compare_runs(expected: Path, actual: Path, ask: Ask) -> tuple[Comparison, ...]:
    """One comparison per metric that either side has, in the order of the first.

    Raises:
        UsageError: a question without its margin or its direction, or about several runs where it is about one.
        EmptySelectionError, Refused, UndecidableError, UnreadableError: see :func:`read_runs`.
    """
    _require(ask)
    known, new = read_runs(expected), read_runs(actual)
    ignored = Tolerances().ignore
    names = [name for name in dict.fromkeys([*known, *new]) if not any(fnmatchcase(name, one) for one in ignored)]
    if ask.metric is not None:
        names = [name for name in names if name == ask.metric]
    if not names:
        what = "no metric" if ask.metric is None else f"no metric {ask.metric}"
        raise EmptySelectionError(f"{what} in {expected} or {actual}")
    judged = {name: _judge(known.get(name, ()), new.get(name, ()), ask, len(names)) for name in names}
    return tuple(_shared(known, new, judged, ask))


def _require(ask: Ask) -> None:
    if not 0 < ask.alpha < 0.5:
        raise UsageError(f"--alpha {ask.alpha:g}: a level of significance lies between 0 and 0.5")
    if ask.margin is not None and not (math.isfinite(ask.margin) and ask.margin > 0):
        raise UsageError(f"--margin {ask.margin:g}: a difference that matters is a finite number above 0")
    if ask.test == "equivalence" and ask.margin is None:
        raise UsageError("--test equivalence needs --margin, the difference that would not matter")
    if ask.test == "seeds" and ask.better == "either":
        raise UsageError("--test seeds needs --better higher or lower, the direction in which a seed would be picked")


def _judge(known: Sequence[float | None], new: Sequence[float | None], ask: Ask, metrics: int) -> Judgement | str:
    """What the test says, or why there is nothing to say."""
    references = [figure for figure in known if figure is not None]
    try:
        if ask.test == "rcp-rules":
            return convergence(references, new, definition="rules")
        if ask.test == "rcp-checker":
            return convergence(references, new, definition="checker")
        fresh = [figure for figure in new if figure is not None]
        if len(references) < len(known) or len(fresh) < len(new) or not fresh:
            return "a run without this figure: leave it out of both sides, and say so"
        return _tested(references, fresh, ask, metrics)
    except UndecidableError as error:
        return error.message if error.hint is None else f"{error.message}; {error.hint}"


def _tested(references: Sequence[float], new: Sequence[float], ask: Ask, metrics: int) -> Judgement | str:
    match ask.test:
        case "equivalence":
            return equivalence(references, new, margin=ask.margin or 0.0, alpha=ask.alpha)
        case "seeds" if len(new) != 1:
            return f"the claim is one run, here are {len(new)}"
        case "seeds":
            return cherry_picked(new[0], references, better="higher" if ask.better == "higher" else "lower", alpha=ask.alpha)
        case _:
            # Bonferroni's share: many metrics together raise no more false alarms than one.
            return prediction_interval(references, new, alpha=ask.alpha / metrics, better=ask.better, margin=ask.margin)


def _shared(known: Figures, new: Figures, judged: Mapping[str, Judgement | str], ask: Ask) -> list[Comparison]:
    """The comparisons; where a test has p-values, one metric is judged in the light of all (Holm)."""
    tests = {name: result for name, result in judged.items() if isinstance(result, Judgement)}
    adjusted = holm({name: result.p for name, result in tests.items() if result.p is not None})
    found = []
    for name, result in judged.items():
        of = f"metric:{name}"
        if isinstance(result, str):
            found.append(Comparison(of=of, agreement=Agreement.INCONCLUSIVE, note=result))
            continue
        agreement, note = result.agreement, f"{result.word}: {result.test}, {result.note}"
        if ask.test == "equivalence" and result.word == "equivalent" and adjusted[name] > ask.alpha:
            agreement, note = Agreement.INCONCLUSIVE, f"inconclusive: {result.test}, {result.note}"
        if name in adjusted and len(adjusted) > 1:
            note += f"; p {adjusted[name]:.3g} over {len(adjusted)} metrics (Holm)"
        found.append(
            Comparison(
                of=of,
                agreement=agreement,
                expected=_mean(known.get(name, ())),
                actual=_mean(new.get(name, ())),
                detectable=result.detectable if result.detectable is None or math.isfinite(result.detectable) else None,
                note=note,
            )
        )
    return found


def _mean(figures: Sequence[float | None]) -> float | None:
    finite = [figure for figure in figures if figure is not None and math.isfinite(figure)]
    return mean(finite) if finite else None


def _of_manifests(path: Path) -> dict[str, list[float | None]]:
    from auditor.manifest.load import to_run  # noqa: PLC0415 - the reader is loaded for manifests only
    from auditor.manifest.reader import read_file  # noqa: PLC0415

    paths = [path]
    if path.is_dir():
        paths = sorted(place for place in path.rglob("*") if place.name.endswith(_SUFFIXES) and place.is_file())
    if not paths:
        raise EmptySelectionError(f"no manifest (*.run.yaml, *.run.json) below {path}")
    if len(paths) > _MOST_RUNS:
        raise Refused(f"it holds more than {_MOST_RUNS} manifests")
    runs = [{metric.name: metric.value for metric in to_run(read_file(place)).metrics} for place in paths]
    return {name: [run.get(name) for run in runs] for name in dict.fromkeys(name for run in runs for name in run)}
