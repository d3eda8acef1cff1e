"""Learns what noise a run has, and says what that noise leaves visible.

1. The run as recorded, then with other seeds: mean and spread of each figure.
2. A band from them: another run has to fall into mean ± k(n) · s (Hahn and Meeker 1991).
3. The claim against the other seeds: a figure that is too good to be one of them was picked (one-sided, and by rank).
4. Between two classes of executors: what other kernels do to weights and curves.
5. With ``power``: replicas that are known to be bad go through the same interval. One that is accepted is not seen.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from auditor.compare.known import counting
from auditor.compare.statistics.base import Judgement, Spread, mean, spread
from auditor.compare.statistics.interval import detectable, factor, prediction_interval
from auditor.compare.statistics.pooling import shrunk
from auditor.compare.statistics.selection import cherry_picked
from auditor.diagnose.repeats import Change, Repeats, known_bad, with_seeds
from auditor.environment.executor import numeric_stack
from auditor.errors import AuditorError, UndecidableError
from auditor.model.band import Band, Calibration, Machine
from auditor.model.comparison import Comparison, Tolerance
from auditor.model.run import Executor
from auditor.model.words import Agreement
from auditor.reproduce.request import Request

FEWEST: Final = 3
_ENOUGH: Final = 5  # repeats whose own spread needs no help
_DAYS: Final = 365
_LOSSES: Final = re.compile(r"loss|error|mse|mae|rmse|perplexity|brier", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """The bands, a comparison for each figure (``metric:NAME``) and replica, and sentences.

    ``left_out`` says what a budget cut.
    """

    calibration: Calibration
    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...]
    left_out: str | None = None


def calibrate(request: Request, repeats: Repeats, *, count: int, power: bool, rates: Sequence[str] = ()) -> Learned:
    """What ``count`` repeats with other seeds teach about the noise of a run.

    ``power`` sends replicas that are known to be bad through it; ``rates`` are further names of learning rates.

    Raises:
        UndecidableError: the run has no seed to change, no figures, or too few repeats could be made.
    """
    repeats.figures(with_seeds(request, 0))  # it must work at all, as it was recorded
    samples, left_out = _samples(request, repeats, count)
    named = sorted(set.intersection(*(set(sample) for sample in samples)))
    if not named:
        raise UndecidableError("the command writes no figures", hint="record with --metrics FILE")
    figures = {name: [sample[name] for sample in samples] for name in named}
    claims = {metric.name: metric.value for metric in request.run.metrics if metric.value is not None}
    comparisons = [_compared(name, claims.get(name), figures[name]) for name in named]
    replicas: Sequence[Change] = known_bad(request, rates) if power else ()
    comparisons += [_powered(change, repeats, figures) for change in replicas]
    calibration, notes = _calibration(request, repeats.executor, figures), []
    # Between two classes of executors weights and curves have noise, too; on one and the same they are exact.
    if len({machine.class_ for machine in calibration.executors}) > 1:
        learned = repeats.rounding()
        bands = (*calibration.bands, *learned.bands)
        varied = (*calibration.varied, "kernels") if learned.bands else calibration.varied
        calibration = msgspec.structs.replace(calibration, bands=bands, varied=varied)
        comparisons += learned.comparisons
        notes.append(learned.note)
    notes.insert(0, f"{len(samples)} other seeds; {repeats.executions} executions, the rest from memory")
    return Learned(calibration=calibration, comparisons=tuple(comparisons), notes=tuple(notes), left_out=left_out)


def _samples(request: Request, repeats: Repeats, count: int) -> tuple[list[Mapping[str, float]], str | None]:
    samples: list[Mapping[str, float]] = []
    for number in range(1, count + 1):
        try:
            samples.append(repeats.figures(with_seeds(request, number)))
        except UndecidableError as error:
            if len(samples) < FEWEST:
                raise
            return samples, f"{count - len(samples)} of {count} repeats were left out: {error.message}"
    return samples, None


def _compared(name: str, claim: float | None, others: Sequence[float]) -> Comparison:
    """The claim as one more draw, and whether it was picked."""
    known = spread(others)
    words = f"{mean(others):.6g} ± {known.sd:.3g} over {len(others)} other seeds"
    if known.sd == 0:
        note = f"{words}: the figure does not vary; a tolerance or the flip bound decides, not statistics"
        agreement = Agreement.NOT_EXERCISED
        return Comparison(of=f"metric:{name}", agreement=agreement, expected=claim, actual=mean(others), note=note)
    drift = detectable(len(others)) * known.sd
    note = f"{words}; a drift of {drift:.3g} would be seen with 80 % power"
    if claim is None:
        return Comparison(of=f"metric:{name}", agreement=Agreement.BITWISE, actual=mean(others), detectable=drift, note=note)
    better: Literal["higher", "lower"] = "lower" if _LOSSES.search(name) else "higher"
    picked = cherry_picked(claim, others, better=better)
    judged = max((prediction_interval(others, [claim]), picked), key=lambda one: one.agreement)
    agreement = Agreement.STATISTICALLY_CONSISTENT if judged.word == "consistent" else judged.agreement
    half = factor(len(others)) * known.sd
    return Comparison(
        of=f"metric:{name}",
        agreement=agreement,
        expected=claim,
        actual=mean(others),
        tolerance=Tolerance(absolute=half, source=f"prediction interval of {len(others)} other seeds"),
        excess=abs(claim - mean(others)) / half,
        detectable=drift,
        note=f"{note}; picked? {_words(picked)}",
    )


def _words(picked: Judgement) -> str:
    return {"diverged": "too good to be one of these seeds", "consistent": "no"}.get(
        picked.word, "undecided"
    ) + f" ({picked.note})"


def _powered(change: Change, repeats: Repeats, figures: Mapping[str, Sequence[float]]) -> Comparison:
    """Whether the bands reject a replica that is known to be bad: diverged is what one hopes for."""
    of = f"replica:{change.name}"
    try:
        found = repeats.figures(change)
    except AuditorError as error:
        return Comparison(of=of, agreement=Agreement.NOT_EXERCISED, note=error.message)
    judged = {name: prediction_interval(others, [found[name]]) for name, others in figures.items() if name in found}
    seen = sorted(name for name, one in judged.items() if one.word == "diverged")
    if seen:
        return Comparison(of=of, agreement=Agreement.DIVERGED, note=f"rejected by {', '.join(seen)}")
    values = ", ".join(f"{name} {found[name]:.6g}" for name in judged)
    note = f"accepted: {values}; a drift of this size is not seen by these bands"
    return Comparison(of=of, agreement=Agreement.STATISTICALLY_CONSISTENT, note=note)


def _calibration(request: Request, here: Executor | None, figures: Mapping[str, Sequence[float]]) -> Calibration:
    environment = request.run.environment
    there = environment.executor if environment else None
    if here is None or there is None:
        raise UndecidableError("the executor class of this machine, or of the recorded one, is not known")
    today = dt.datetime.now(tz=dt.UTC).date()
    machines = (there, here)
    packages = here.features.get("packages")
    return Calibration(
        executors=(_machine(machines[0]), _machine(machines[1])),
        runs=(request.digest,) if request.digest else (),
        learned=today.isoformat(),
        expires=(today + dt.timedelta(days=_DAYS)).isoformat(),
        varied=("seed",),
        packages={str(n): str(v) for n, v in packages.items()} if isinstance(packages, dict) else {},
        bands=tuple(_band(name, values, _earlier(request, machines, name)) for name, values in figures.items()),
    )


def _earlier(request: Request, pair: tuple[Executor, Executor], name: str) -> Band | None:
    """What the policy's bands say of this figure between these machines, from other runs: these repeats count once."""
    others = [one for one in request.bands if request.digest not in one.runs]
    today = dt.datetime.now(tz=dt.UTC).date()
    found = counting(others, tuple(map(_machine, pair)), run=request.digest, today=today).find("metric", name)
    return found[0] if found is not None and found[0].s else None


def _band(name: str, values: Sequence[float], earlier: Band | None) -> Band:
    """The band of a figure; the spread of few repeats is drawn towards that of earlier runs."""
    n, own = len(values), spread(values)
    if earlier is None or earlier.s is None or n >= _ENOUGH:
        return Band(of=f"metric:{name}", n=n, mean=mean(values), s=own.sd, alpha=0.05, factor=factor(n))
    joint = shrunk(own, Spread(sd=earlier.s, df=earlier.df or earlier.n - 1))
    half = factor(n, df=joint.df)
    return Band(of=f"metric:{name}", n=n, mean=mean(values), s=joint.sd, alpha=0.05, factor=half, df=joint.df)


def _machine(executor: Executor) -> Machine:
    return Machine(class_=executor.class_, stack=numeric_stack(executor))
