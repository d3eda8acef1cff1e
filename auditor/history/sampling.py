"""Which runs of the past are executed again when there is not time for all of them, so that nobody can tell beforehand.

The order is drawn from an HMAC of the verifier's own key over the set of runs and the policy, as a segment challenge is:
whoever writes runs can neither predict nor repeat the draw, and whoever verifies cannot choose it once the set is fixed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, assert_never

import msgspec

from auditor.errors import UndecidableError, UsageError
from auditor.history.record import Executed, Judged
from auditor.model.words import Agreement

Method = Literal["uniform", "stratified", "risk"]
METHODS: tuple[Method, ...] = ("uniform", "stratified", "risk")

KEY_FILE = "history.key"
KEY_VARIABLE = "AUDITOR_HISTORY_KEY"
"""A secret that a scheduled job gives, so that its draws do not depend on a machine that is new every time."""

CONFIDENCE = 0.95


class Pick(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is to be executed. ``random`` tells whether chance alone chose it, so that it speaks for the others."""

    run: str
    random: bool
    stratum: str = ""
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Draw:
    """An order of runs, and what it was drawn from: ``seed`` and ``key`` are digests that give neither away."""

    picks: tuple[Pick, ...]
    seed: str
    key: str
    strata: Mapping[str, int]


def draw(runs: Sequence[Judged], method: Method, *, key: bytes, policy: str, executed: Mapping[str, Executed]) -> Draw:
    """All ``runs`` in the order in which they are to be executed.

    1. The set is the digest of the runs' digests, sorted; the seed an HMAC of it and the policy's digest.
    2. Each run's lot is an HMAC of its digest under the seed: sorting by lots is a uniform draw without replacement.
    3. ``stratified`` takes one run of each stratum in turn; ``risk`` every second run by what speaks for looking at it.
    """
    known = {run.digest: run for run in runs}
    root = hashlib.sha256("\n".join(sorted(known)).encode()).digest()
    seed = hmac.new(key, b"history\0" + root + policy.encode(), hashlib.sha256).digest()
    lots = sorted(known, key=lambda run: hmac.new(seed, run.encode(), hashlib.sha256).digest())
    strata = {run: stratum(known[run]) for run in lots}
    match method:
        case "uniform":
            picks = [Pick(run=run, random=True) for run in lots]
        case "stratified":
            picks = list(_in_turn(lots, strata))
        case "risk":
            picks = list(_by_risk(lots, risks(runs, executed)))
        case _:
            assert_never(method)
    return Draw(
        picks=tuple(picks),
        seed=f"sha256:{hashlib.sha256(seed).hexdigest()}",
        key=f"sha256:{hashlib.sha256(key).hexdigest()}",
        strata=dict(Counter(strata.values())) if method == "stratified" else {"": len(lots)},
    )


def stratum(run: Judged) -> str:
    """Framework and year of a run."""
    facts = run.facts
    return f"{facts.framework or 'unknown'} {(facts.started or facts.finished or '????')[:4]}"


def risks(runs: Sequence[Judged], executed: Mapping[str, Executed]) -> dict[str, tuple[float, str]]:
    """How much speaks for executing each run again, and what most: from what is known, never from chance."""
    descendants = Counter(parent for run in runs for parent in run.facts.parents)
    dated = sorted((run.facts.started or "" for run in runs), reverse=True)
    newest = max(runs, key=lambda run: run.facts.started or "", default=None)
    found = {}
    for run in runs:
        last = executed.get(run.digest)
        children = sum(descendants[name] for name in (run.digest, *run.facts.weights))
        reasons = [
            (4.0, "never executed again") if last is None else (0.0, ""),
            (3.0, "close to a tolerance's edge") if last is not None and _is_near(last) else (0.0, ""),
            (min(children, 5) * 1.0, f"{children} runs are built on it"),
            (2.0 * dated.index(run.facts.started or "") / max(len(dated), 1), "old"),
            (1.5, "the numeric libraries changed since")
            if newest is not None and run.facts.stack != newest.facts.stack
            else (0.0, ""),
        ]
        found[run.digest] = (sum(weight for weight, _ in reasons), max(reasons)[1])
    return found


def upper_bound(draw: Draw, outcomes: Mapping[str, bool]) -> tuple[int, int, float | None]:
    """How many randomly drawn runs were executed, how many of them were bad, and the bound on the share of bad ones.

    ``outcomes`` are those that decided: True for a run that agreed. The bound is the exact one-sided binomial (after K
    without a bad one: 1 - 0.05^(1/K)); over several strata, the sum of theirs by weight, each at a confidence that makes
    all of them hold together. Runs that were chosen for their risk do not count: they speak for nobody else.
    """
    from scipy.stats import beta  # noqa: PLC0415  (optional, and slow to import)

    decided = [pick for pick in draw.picks if pick.random and pick.run in outcomes]
    bad = sum(not outcomes[pick.run] for pick in decided)
    if not decided:
        return 0, 0, None
    total, bound = sum(draw.strata.values()), 0.0
    alpha = (1 - CONFIDENCE) / len(draw.strata)
    for name, size in draw.strata.items():
        inside = [outcomes[pick.run] for pick in decided if pick.stratum == name]
        worse = inside.count(False)
        if len(inside) == size:
            share = worse / size  # nobody is left to be uncertain about
        else:
            share = 1.0 if worse == len(inside) else float(beta.ppf(1 - alpha, worse + 1, len(inside) - worse))
        bound += size / total * share
    return len(decided), bad, min(1.0, bound)


def secret(folder: Path) -> bytes:
    """The verifier's key: from the environment, else from a file that only its owner reads, made when it is first needed.

    Raises:
        UsageError: the key in the environment is too short to be one.
        UndecidableError: the file cannot be read or written.
    """
    given = os.environ.get(KEY_VARIABLE)
    if given is not None:
        if len(given) < 16:
            raise UsageError(f"{KEY_VARIABLE} is too short for a key", hint="give at least 16 random characters")
        return given.encode()
    path = folder / KEY_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(secrets.token_bytes(32))
    except FileExistsError:
        pass
    except OSError as error:
        raise UndecidableError(f"the key for drawing samples cannot be written to {path}: {error.strerror}") from None
    try:
        key = path.read_bytes()
    except OSError as error:
        raise UndecidableError(f"the key for drawing samples, {path}, cannot be read: {error.strerror}") from None
    if len(key) < 16:
        raise UndecidableError(f"{path} is too short for a key", hint="remove it; another one is made")
    return key


def method_of(text: str) -> Method:
    """The method called ``text``.

    Raises:
        UsageError: there is none.
    """
    for method in METHODS:
        if method == text:
            return method
    raise UsageError(f"there is no way of sampling called {text!r}", hint=f"choose one of {', '.join(METHODS)}")


def _in_turn(lots: Iterable[str], strata: Mapping[str, str]) -> Iterator[Pick]:
    piles: dict[str, list[str]] = defaultdict(list)
    for run in lots:
        piles[strata[run]].append(run)
    longest = max(map(len, piles.values()), default=0)
    for place in range(longest):
        for name in sorted(piles):
            if place < len(piles[name]):
                yield Pick(run=piles[name][place], random=True, stratum=name)


def _by_risk(lots: Sequence[str], weights: Mapping[str, tuple[float, str]]) -> Iterator[Pick]:
    """Every second run by risk, the others by lot alone: without those nothing could be said about the rest."""
    heavy = iter(sorted(lots, key=lambda run: -weights[run][0]))
    chance = iter(lots)
    taken: set[str] = set()
    for number in range(2 * len(lots)):
        is_random = number % 2 == 1
        run = next((run for run in (chance if is_random else heavy) if run not in taken), None)
        if run is not None:
            taken.add(run)
            yield Pick(run=run, random=is_random, why="" if is_random else weights[run][1])


def _is_near(executed: Executed) -> bool:
    """Whether a re-execution came within half of what a tolerance allows, without being equal."""
    return any(
        comparison.excess is not None and 0.5 < comparison.excess <= 1.0 and comparison.agreement is not Agreement.BITWISE
        for reproduction in executed.reproductions
        for comparison in reproduction.comparisons
    )
