"""The tier ``segment``: a challenge, from the claims it is drawn from to the bound that it leaves."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np

from auditor.commitment import challenge
from auditor.commitment.checkpoint import Array, Checkpoint
from auditor.compare.errors import Refused
from auditor.compare.update import Update, compare_update, distance
from auditor.errors import AuditorError
from auditor.model.comparison import Comparison, ReproductionResult, overall
from auditor.model.words import Agreement, Tier
from auditor.reproduce.request import Request
from auditor.reproduce.rig import Live
from auditor.reproduce.segments.claimed import BrokenError, read_claims
from auditor.reproduce.segments.judge import Judged, Noise, Side, judge
from auditor.reproduce.segments.plan import Chosen, choose, configured, out_of_bounds, outside
from auditor.reproduce.segments.published import published
from auditor.reproduce.segments.replay import NotReplayedError, Replayed, Stretch, replay
from auditor.reproduce.segments.request import Challenge, identity
from auditor.reproduce.segments.trees import claimed_ensemble, replay_trees
from auditor.reproduce.twin import TWINS, perturbed

_AT_ONCE = 2


def segments(rig: Live, request: Request, asked: Challenge) -> ReproductionResult:
    """What replaying segments of the run shows. Whatever keeps it from being replayed is the result, with the reason."""
    started = time.monotonic()
    try:
        comparisons, note = _result(rig, request, asked)
    except AuditorError as error:
        agreement = _agreement(error)
        comparisons, note = (Comparison(of="checkpoints", agreement=agreement, note=error.message),), _said(error)
    return ReproductionResult(
        name="segment",
        tier=Tier.SEGMENT,
        agreement=overall(tuple(comparisons)),
        isolation=rig.isolation,
        seconds=time.monotonic() - started,
        comparisons=tuple(comparisons),
        note=note,
    )


def _result(rig: Live, request: Request, asked: Challenge) -> tuple[Sequence[Comparison], str]:
    run = request.run
    trees = claimed_ensemble(run.artifacts, request.fetch) if run.checkpoints is None else None
    if trees is None:
        return _Replaying(rig, request, asked).result()
    # The root is on record before anything of it is looked at, as it is for steps.
    roots = asked.count(identity(run), trees.root)
    comparisons, note = replay_trees(rig, request, trees)
    if words := outside(configured(run), asked.bounds):
        comparisons.append(Comparison(of="hyperparameters", agreement=Agreement.DIVERGED, note=words))
    return comparisons, "; ".join(filter(None, (note, _again(roots))))


def _again(roots: int) -> str:
    return f"this is the root number {roots} that was challenged for the same training" if roots > 1 else ""


class _Replaying:
    """One challenge. Order: claims, register, choose, replay, judge; whoever dies in between draws the same again."""

    def __init__(self, rig: Live, request: Request, asked: Challenge) -> None:
        self._rig = rig
        self._request = request
        self._asked = asked
        self._claimed = read_claims(request.run, request.fetch)
        self._folder = str(PurePosixPath(self._claimed.leaves[0].path).parent)

    def result(self) -> tuple[Sequence[Comparison], str]:
        """All comparisons, and what they come to in words."""
        run, claimed = self._request.run, self._claimed
        comparisons: list[Comparison] = []
        if words := out_of_bounds(claimed.lines, self._asked.bounds):
            comparisons.append(Comparison(of="hyperparameters", agreement=Agreement.DIVERGED, note=words))
        if claimed.segments < 1:
            return [
                *comparisons,
                Comparison(of="checkpoints", agreement=Agreement.NOT_EXERCISED, note="no step was done"),
            ], ""
        # The root is on record before anything of it is looked at: a second try with another one is seen.
        roots = self._asked.count(identity(run), claimed.root)
        chosen = choose(run, claimed, self._asked)
        judged: dict[int, Judged] = {}
        wanted = list(chosen.why)
        for start in range(0, len(wanted), _AT_ONCE):
            pair = wanted[start : start + _AT_ONCE]
            self._request.progress(f"segment: replaying {start + len(pair)} of {len(wanted)}")
            judged |= self._replayed(pair, chosen)
        comparisons += [judged[segment].comparison for segment in wanted]
        comparisons += published(run, claimed, self._request.fetch)
        if all(one.vacuous for one in judged.values()):
            words = "in none of the replayed segments was anything trained: updates this small prove nothing"
            comparisons.append(Comparison(of="checkpoints", agreement=Agreement.INCONCLUSIVE, note=words))
        return comparisons, self._note(chosen, judged, roots)

    def _replayed(self, pair: Sequence[int], chosen: Chosen) -> dict[int, Judged]:
        found: dict[int, Judged] = {}
        stretches: dict[int, Stretch] = {}
        for segment in pair:
            try:
                stretches[segment] = self._stretch(segment)
            except AuditorError as error:
                found[segment] = self._unanswered(segment, error)
        done = replay(self._rig, self._request, self._folder, *stretches.values()) if stretches else []
        for segment, answer in zip(stretches, done, strict=True):
            if isinstance(answer, AuditorError):
                found[segment] = self._unanswered(segment, answer)
            else:
                found[segment] = self._judged(segment, chosen.why[segment], answer)
        return found

    def _stretch(self, segment: int) -> Stretch:
        """The first segment starts from nothing: where training began is a claim, too."""
        one, other = self._claimed.checkpoint(segment), self._claimed.checkpoint(segment + 1)
        start = self._claimed.file(segment) if segment else None
        return Stretch(start=start, first=one.step, steps=other.step - one.step)

    def _judged(self, segment: int, why: str, answer: Replayed) -> Judged:
        claimed = self._claimed
        one, other = claimed.checkpoint(segment), claimed.checkpoint(segment + 1)
        steps = [line for line in answer.lines if one.step < line.step <= other.step]
        end = answer.checkpoints[other.step]
        try:
            return judge(
                f"segment:{segment}",
                why,
                Side(start=one, end=other, lines=claimed.steps(segment)),
                Side(start=answer.checkpoints.get(0, one) if segment == 0 else one, end=end, lines=steps),
                noise=lambda update: self._noise(segment, answer, update),
                from_scratch=segment == 0,
            )
        except AuditorError as error:
            return self._unanswered(segment, error)

    def _noise(self, segment: int, answer: Replayed, update: Update) -> Noise | None:
        """What rounding causes: by one more exact replay, where the command can compute one and it explains enough."""
        exact = self._exact(segment, answer) if update.dtype not in {"float64", "bfloat16"} else None
        if exact is not None and update.judge(exact.rho) is Agreement.WITHIN_TOLERANCE:
            return exact
        return self._twins(segment, answer)

    def _exact(self, segment: int, answer: Replayed) -> Noise | None:
        """The ρ between the replay and one in double precision; None where the command computes as before."""
        one, other = self._claimed.checkpoint(segment), self._claimed.checkpoint(segment + 1)
        self._request.progress(f"segment {segment}: computing it in double precision")
        steps = other.step - one.step
        stretch = Stretch(start=self._claimed.file(segment), first=one.step, steps=steps, precision="float64")
        (done,) = replay(self._rig, self._request, self._folder, stretch)
        if isinstance(done, AuditorError):
            return None
        exact = done.checkpoints[other.step].weights
        if any(array.dtype.kind == "f" and array.dtype.name != "float64" for array in exact.values()):
            return None
        start, claimed, ours = map(_widened, (one.weights, other.weights, answer.checkpoints[other.step].weights))
        try:
            mine, theirs = compare_update(start, exact, ours).rho, compare_update(start, exact, claimed).rho
        except ValueError:
            return None
        moved = _apart(answer.checkpoints[other.step], done.checkpoints[other.step])
        return Noise(
            rho=mine,
            optimizer=moved,
            words=f"in double precision the claim is off by {theirs:.2g}, the replay by {mine:.2g}",
        )

    def _twins(self, segment: int, answer: Replayed) -> Noise | None:
        """The largest ρ between the replay and replays that start a rounding error away from it."""
        one, other = self._claimed.checkpoint(segment), self._claimed.checkpoint(segment + 1)
        self._request.progress(f"segment {segment}: measuring what rounding can do")
        found: list[float] = []
        moved: list[float] = []
        for twins in range(0, TWINS, _AT_ONCE):
            stretches = [
                Stretch(
                    start=self._claimed.file(segment),
                    first=one.step,
                    steps=other.step - one.step,
                    weights=perturbed(one.weights, number),
                )
                for number in range(twins, twins + _AT_ONCE)
            ]
            for done in replay(self._rig, self._request, self._folder, *stretches):
                if isinstance(done, AuditorError):
                    return None
                far: Update = compare_update(
                    one.weights, answer.checkpoints[other.step].weights, done.checkpoints[other.step].weights
                )
                found.append(far.rho)
                moved.append(_apart(answer.checkpoints[other.step], done.checkpoints[other.step]))
        return Noise(rho=max(found), optimizer=max(moved), words=f"a rounding error at the start causes {max(found):.2g}")

    def _unanswered(self, segment: int, error: AuditorError) -> Judged:
        return Judged(comparison=Comparison(of=f"segment:{segment}", agreement=_agreement(error), note=error.message))

    def _note(self, chosen: Chosen, judged: dict[int, Judged], roots: int) -> str:
        """What was learnt, as a bound and never as a proof."""
        agreed = {
            segment for segment, one in judged.items() if one.comparison.agreement <= Agreement.STATISTICALLY_CONSISTENT
        }
        telling = {segment for segment in agreed if not judged[segment].vacuous}
        clean = len(telling & chosen.drawn)
        source = "local: whoever has this clone can predict it" if self._asked.is_local else "drawn by the verifier's key"
        words = [
            f"challenge: {source}",
            f"{len(agreed)} of {len(judged)} replayed segments of {self._claimed.segments} agree",
        ]
        if len(telling) == self._claimed.segments:
            words.append("every segment was replayed")
        elif agreed == set(judged) and clean:
            share = challenge.bound(clean)
            words.append(
                f"with 95 % confidence at most {share:.1%} of the segments are fabricated ({clean} drawn ones are clean)"
            )
        if vacuous := len(agreed) - len(telling):
            words.append(f"{vacuous} vacuous ones show nothing")
        return "; ".join(filter(None, (*words, _again(roots))))


def _apart(one: Checkpoint, other: Checkpoint) -> float:
    """How far two states of an optimizer are apart; 0 where they cannot be told to be noise of each other."""
    try:
        far = distance(one.optimizer, other.optimizer)
    except (KeyError, ValueError):
        return 0.0
    return far if math.isfinite(far) else 0.0


def _widened(weights: Mapping[str, Array]) -> dict[str, Array]:
    return {name: array.astype(np.float64) if array.dtype.kind == "f" else array for name, array in weights.items()}


def _agreement(error: AuditorError) -> Agreement:
    match error:
        case BrokenError():
            return Agreement.DIVERGED
        case Refused():
            return Agreement.REFUSED
        case NotReplayedError():
            return Agreement.NOT_EXERCISED
        case _:
            return Agreement.INCONCLUSIVE


def _said(error: AuditorError) -> str:
    return error.message if error.hint is None else f"{error.message} ({error.hint})"
