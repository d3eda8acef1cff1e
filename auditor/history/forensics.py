"""What can be seen only across runs: figures that were copied, seeds that were not changed, names that changed their bytes.

Only what *contradicts a claim* is said. Runs of a sweep share accuracies and seeds by nature; two runs that claim different
seeds, data or configurations and share every full-precision figure, or their weights to the last bit, do not.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from auditor.history.record import Judged
from auditor.model.finding import Finding

_FEWEST_DIGITS = 6
"""Decimal digits from which a figure is continuous: 0.97 is shared by chance, 0.9719298245614035 is not."""

_LONGEST_DAYS = 366

_REPEAT = "repeat with another seed, or record the runs as one"


def across(runs: Sequence[Judged]) -> Iterator[Finding]:
    """What is noteworthy across ``runs``, each once, in a fixed order. Nothing here decides anything by itself."""
    known = [run for run in runs if run.state == "read" and run.facts.status in {None, "succeeded"}]
    yield from copied_metrics(known)
    yield from copied_weights(known)
    yield from reused_seeds(known)
    yield from impossible_durations(known)
    yield from changed_names(known)
    yield from two_names(known)


def copied_metrics(runs: Iterable[Judged]) -> Iterator[Finding]:
    """Runs that claim different inputs and share every full-precision figure, two of them at least."""
    groups: dict[tuple[tuple[str, float], ...], list[Judged]] = defaultdict(list)
    for run in runs:
        exact = tuple(sorted((name, value) for name, value in run.facts.metrics.items() if _is_continuous(value)))
        if len(exact) >= 2:
            groups[exact].append(run)
    for exact, members in groups.items():
        for one, other in _contradicting(members):
            yield _finding(
                one,
                f"{_name(one)} and {_name(other)} claim different {_difference(one, other)}, and share all {len(exact)} "
                "full-precision metrics",
                "record both again; figures are measured, not copied",
            )


def copied_weights(runs: Iterable[Judged]) -> Iterator[Finding]:
    """Runs that claim different inputs and have the same weights, bit by bit."""
    groups: dict[str, list[Judged]] = defaultdict(list)
    for run in runs:
        for weights in run.facts.weights:
            groups[weights].append(run)
    for weights, members in groups.items():
        for one, other in _contradicting(members):
            yield _finding(
                one,
                f"{_name(one)} and {_name(other)} claim different {_difference(one, other)}, and have the same weights "
                f"{weights[:19]}...",
                "one of them did not make these weights; record it again",
            )


def reused_seeds(runs: Sequence[Judged]) -> Iterator[Finding]:
    """Runs that are said to repeat another one and have its seeds."""
    by_digest = {run.digest: run for run in runs}
    for run in runs:
        for parent in run.facts.repeats:
            other = by_digest.get(parent)
            if other is not None and run.facts.seeds and run.facts.seeds == other.facts.seeds:
                yield _finding(run, f"{_name(run)} is said to repeat {_name(other)}, with the same seeds", _REPEAT)


def impossible_durations(runs: Iterable[Judged]) -> Iterator[Finding]:
    """Runs that took less than no time, or more than a year."""
    for run in runs:
        started, finished = _moment(run.facts.started), _moment(run.facts.finished)
        if started is None or finished is None:
            continue
        days = (finished - started).total_seconds() / 86_400
        if days < 0 or days > _LONGEST_DAYS:
            yield _finding(run, f"{_name(run)} took {days:.1f} days", "record it again; times are taken, not typed")
        if run.facts.at is not None and started.timestamp() > run.facts.at + 600:
            yield _finding(run, f"{_name(run)} started after it was merged", "record it again; times are taken, not typed")


def changed_names(runs: Iterable[Judged]) -> Iterator[Finding]:
    """Data that has one name and several contents over time."""
    contents: dict[str, dict[str, Judged]] = defaultdict(dict)
    for run in sorted(runs, key=lambda run: (run.facts.at or 0, run.facts.started or "", run.digest)):
        for name, digest in run.facts.data.items():
            contents[name].setdefault(digest, run)
    for name, found in sorted(contents.items()):
        if len(found) > 1:
            first = next(iter(found.values()))
            last = list(found.values())[-1]
            yield _finding(
                last,
                f"{name} was {len(found)} different data sets: first in {_name(first)}, last in {_name(last)}",
                "give each snapshot a name or a version of its own",
            )


def two_names(runs: Iterable[Judged]) -> Iterator[Finding]:
    """Data that has several names and one content."""
    names: dict[str, dict[str, Judged]] = defaultdict(dict)
    for run in runs:
        for name, digest in run.facts.data.items():
            names[digest].setdefault(name, run)
    for digest, found in sorted(names.items()):
        if len(found) > 1:
            yield _finding(
                next(iter(found.values())),
                f"{', '.join(sorted(found)[:4])} are one data set, {digest[:19]}...",
                "call one snapshot by one name",
            )


def _contradicting(members: Sequence[Judged]) -> Iterator[tuple[Judged, Judged]]:
    """Neighbours among runs that claim different things; one pair for each run, or the pairs would outgrow the runs."""
    ordered = sorted(members, key=lambda run: (run.facts.started or "", run.digest))
    for one, other in pairwise(ordered):
        if _difference(one, other) and not _related(one, other):
            yield one, other


def _difference(one: Judged, other: Judged) -> str:
    """What two runs claim to have done differently, in words; empty when nothing."""
    kinds = {
        "seeds": (one.facts.seeds, other.facts.seeds),
        "data": (set(one.facts.data.values()), set(other.facts.data.values())),
        "configurations": (one.facts.configuration, other.facts.configuration),
    }
    return " and ".join(name for name, (a, b) in kinds.items() if a and b and a != b)


def _related(one: Judged, other: Judged) -> bool:
    """Whether one supersedes the other: a record that was mended shares what was right in it."""
    return one.facts.supersedes == other.digest or other.facts.supersedes == one.digest


def _is_continuous(value: float) -> bool:
    text = repr(abs(value)).partition("e")[0].replace(".", "").strip("0")
    return len(text) >= _FEWEST_DIGITS


def _name(run: Judged) -> str:
    return run.id or run.manifest


def _moment(text: str | None) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


def _finding(run: Judged, message: str, fix: str) -> Finding:
    return Finding(message=message, fix=fix, file=run.manifest)
