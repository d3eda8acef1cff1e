"""How reproducibility decays with age: survival curves, half-lives, causes, and drift, over all that audits wrote down."""

from __future__ import annotations

import datetime as dt
import math
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from auditor.history.record import Executed, Judged, Record
from auditor.model.words import Agreement, Outcome, Verdict

_DAY = 86_400.0
_FEWEST = 5
"""Runs that a group needs for a curve of its own."""

MOST_GROUPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Kaplan-Meier estimate: the share of runs still good at each age (days), with its 95 % band (log-log).

    ``half_life`` is the age at which half are not good any more, None while more than half are.
    """

    name: str
    runs: int
    events: int
    ages: tuple[float, ...]
    share: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    half_life: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """How long a run was seen to be good, in days of age, and whether it then ceased to be (else it was still good)."""

    run: Judged
    age: float
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How one metric came out when it was executed again: claimed value and what came out, each in order of time."""

    metric: str
    run: str
    claimed: float
    actual: tuple[float, ...]
    allowed: float | None


def lives(record: Record) -> list[Life]:
    """One life for each run that tells when it began.

    A run that was not good when it was first looked at ended at that age at the latest: audits see the end of a life only
    when they come by, so that ages are upper bounds, by at most the time between two audits.
    """
    ended: dict[str, str] = {}
    last: dict[str, Judged] = {}
    for judged in record.verdicts():
        last[judged.digest] = judged
        if judged.today is Verdict.OPEN:
            ended.pop(judged.digest, None)
        else:
            ended.setdefault(judged.digest, judged.graded)
    newest = max((started for _, started, *_ in record.audits()), default=None)
    found = []
    for run, judged in last.items():
        born = _moment(judged.facts.started) or _epoch(judged.facts.at)
        seen = _moment(ended.get(run) or newest)
        if born is not None and seen is not None and seen >= born:
            found.append(Life(run=judged, age=(seen - born).total_seconds() / _DAY, ended=run in ended))
    return found


def curves(all_lives: Sequence[Life]) -> list[Curve]:
    """The curve of all runs, then those of the largest groups by framework and by executor class."""
    found = [curve("all runs", all_lives)] if all_lives else []
    for kind in ("framework", "executor"):
        groups: dict[str, list[Life]] = defaultdict(list)
        for life in all_lives:
            name = getattr(life.run.facts, kind)
            if name is not None:
                groups[name].append(life)
        large = sorted(groups, key=lambda name: (-len(groups[name]), name))[:MOST_GROUPS]
        found += [curve(f"{kind} {name}", groups[name]) for name in large if len(groups[name]) >= _FEWEST]
    return found


def curve(name: str, members: Sequence[Life]) -> Curve:
    """The Kaplan-Meier estimate over ``members`` (Kaplan and Meier 1958; band: Kalbfleisch and Prentice, log-log)."""
    from scipy.stats import CensoredData, ecdf  # noqa: PLC0415  (optional, and slow to import)

    events = [life.age for life in members if life.ended]
    censored = [life.age for life in members if not life.ended]
    estimate = ecdf(CensoredData(uncensored=events, right=censored)).sf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the band is undefined where the estimate is 0 or 1: see _bounded
        band = estimate.confidence_interval(confidence_level=0.95, method="log-log")
    ages, share = [float(age) for age in estimate.quantiles], [float(part) for part in estimate.probabilities]
    low = [_bounded(part, before) for part, before in zip(band.low.probabilities, share, strict=True)]
    high = [_bounded(part, before) for part, before in zip(band.high.probabilities, share, strict=True)]
    half = next((age for age, part in zip(ages, share, strict=True) if part <= 0.5), None)
    return Curve(
        name=name,
        runs=len(members),
        events=len(events),
        ages=tuple(ages),
        share=tuple(share),
        low=tuple(low),
        high=tuple(high),
        half_life=half,
    )


def causes(record: Record, runs: Iterable[Judged]) -> list[tuple[str, int]]:
    """How many runs each check speaks against, where they are not open, the most frequent first."""
    tally: Counter[str] = Counter()
    known: dict[str, list[str]] = {}
    for run in runs:
        if run.today is Verdict.OPEN:
            continue
        if run.results not in known:
            known[run.results] = [
                result.check
                for result in record.results(run.results)
                if result.outcome in {Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.CRASHED}
                and not result.waived
                and result.severity.rank >= 2
            ]
        tally.update(known[run.results])
    return tally.most_common(20)


def drifts(executions: Iterable[Executed]) -> list[Drift]:
    """How metrics came out in re-executions, those that came out more than once, the widest first."""
    seen: dict[tuple[str, str], list[tuple[float, float, float | None]]] = defaultdict(list)
    for executed in executions:
        for reproduction in executed.reproductions:
            for comparison in reproduction.comparisons:
                claimed, actual = comparison.expected, comparison.actual
                if not comparison.of.startswith("metric:") or comparison.agreement is Agreement.REFUSED:
                    continue
                if isinstance(claimed, int | float) and isinstance(actual, int | float):
                    allowed = comparison.tolerance.allows(max(abs(claimed), abs(actual))) if comparison.tolerance else None
                    seen[executed.digest, comparison.of[7:]].append((float(claimed), float(actual), allowed))
    found = [
        Drift(metric=name, run=run, claimed=rows[-1][0], actual=tuple(row[1] for row in rows), allowed=rows[-1][2])
        for (run, name), rows in seen.items()
    ]
    return sorted(found, key=lambda drift: -max(abs(value - drift.claimed) for value in drift.actual))


def _bounded(value: float, otherwise: float) -> float:
    """A bound of the band; where the estimate is 0 or 1 it has none, and the estimate stands for it."""
    return otherwise if math.isnan(value) else min(1.0, max(0.0, float(value)))


def _moment(text: str | None) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


def _epoch(at: int | None) -> dt.datetime | None:
    return None if at is None else dt.datetime.fromtimestamp(at, tz=dt.UTC)
