"""Runs an experiment on a recorded run and reports what it showed."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from pathlib import PurePosixPath

import msgspec

from auditor.compare.bands import document
from auditor.diagnose.calibrate import calibrate as learn
from auditor.diagnose.chaos import chaos as isolate
from auditor.diagnose.divergence import parting
from auditor.diagnose.outcome import by_outputs
from auditor.diagnose.repeats import Repeats
from auditor.diagnose.surroundings import Surroundings
from auditor.errors import UsageError
from auditor.gate.experiment import Asked, experiment
from auditor.manifest.write import dump, write
from auditor.model.comparison import Comparison, ReproductionResult, overall
from auditor.model.report import Report
from auditor.model.words import Agreement, Exit, Tier
from auditor.reproduce.reproduce import reproduce
from auditor.reproduce.segments.claimed import read_claims
from auditor.reproduce.segments.trees import claimed_ensemble, replay_trees


def chaos(asked: Asked) -> Report:
    """The report of which accidental surroundings a run depends on, a comparison for each factor (``factor:NAME``).

    Raises:
        PolicyError, EmptySelectionError, UsageError, UndecidableError, UnreadableError: it cannot be asked; each says why.
    """
    started = time.monotonic()
    with experiment(asked) as ready:
        reproduction = ready.reproduction
        with closing(Surroundings(ready.rig, ready.request, reproduction)) as surroundings:
            found = isolate(surroundings, asked.progress)
        comparisons = tuple(
            Comparison(of=f"factor:{one.factor.name}", agreement=one.agreement, note=f"{one.effect}: {one.note}")
            for one in found.findings
        )
        varied = [c.agreement for c in comparisons if c.agreement is not Agreement.NOT_EXERCISED]
        result = ReproductionResult(
            name="chaos",
            tier=reproduction.tier,
            agreement=max(varied, default=Agreement.NOT_EXERCISED),
            isolation=ready.rig.isolation,
            seconds=time.monotonic() - started,
            comparisons=comparisons,
            note=found.note,
        )
        return ready.report(result, code=Exit.UNDECIDED if found.unfinished else Exit.OPEN)


def calibrate(asked: Asked, *, repeats: int, power: bool, out: str | None) -> Report:
    """The report of how much the figures of a run vary; the bands are written to ``out``.

    Raises:
        PolicyError, EmptySelectionError, UsageError, UndecidableError, UnreadableError: it cannot be asked; each says why.
    """
    started = time.monotonic()
    with experiment(asked) as ready:
        reproduction = ready.reproduction
        path = out or f"bands/{ready.request.run.run.id}.band.yaml"
        place = (ready.root / path).resolve()
        if not place.is_relative_to(ready.root):
            raise UsageError(f"--out {path} lies outside the repository", hint="bands are committed beside the policy")
        memory = ready.request.repository.common_dir / "auditor" / "repeats"
        runs = Repeats(ready.rig, ready.request, reproduction, memory, asked.progress)
        rates = ready.policy.policy.power.learning_rates
        learned = learn(ready.request, runs, count=repeats, power=power, rates=rates)
        place.parent.mkdir(parents=True, exist_ok=True)
        write(place, dump(msgspec.json.decode(msgspec.json.encode(document(learned.calibration)))))
        result = ReproductionResult(
            name="calibrate",
            tier=reproduction.tier,
            agreement=Agreement.STATISTICALLY_CONSISTENT,
            isolation=ready.rig.isolation,
            calibrated=True,
            seconds=time.monotonic() - started,
            comparisons=learned.comparisons,
            note="; ".join([*learned.notes, *([learned.left_out] if learned.left_out else [])]),
        )
        counts = f"the bands are in {path}: commit the file and name it under `bands:` of the policy, then they count"
        return ready.report(result, code=Exit.UNDECIDED if learned.left_out else Exit.OPEN, notes=(counts,))


def explain(asked: Asked) -> Report:
    """The report of where a re-execution parts from the record first, and what that usually means.

    A run with checkpoints is followed step by step, boosting tree by tree; of any other run the outputs are all that can be
    looked at.

    Raises:
        PolicyError, EmptySelectionError, UsageError, UndecidableError, UnreadableError: it cannot be asked; each says why.
    """
    started = time.monotonic()
    with experiment(asked) as ready:
        asked.progress("re-executing from the beginning")
        if ready.request.run.checkpoints is not None:
            claimed = read_claims(ready.request.run, ready.request.fetch)
            folder = str(PurePosixPath(claimed.leaves[0].path).parent)
            found = parting(ready.rig, ready.request, claimed, folder)
            agreement = Agreement.BITWISE if found.stage is None else Agreement.DIVERGED
            of = f"step:{found.step + 1}" if found.stage else "trace"
            told = Comparison(of=of, agreement=agreement, note=found.words, curve=found.curve)
            comparisons: tuple[Comparison, ...] = (told,)
            note = found.words
        elif trees := claimed_ensemble(ready.request.run.artifacts, ready.request.fetch):
            parted, note = replay_trees(ready.rig, ready.request, trees)
            comparisons, agreement = tuple(parted), overall(parted)
            note = "; ".join([*(c.note for c in parted if c.note), note])
        else:
            done = reproduce(replace(ready.request, tiers=(ready.reproduction.tier,), liveness=False))
            comparisons = tuple(c for one in done.results for c in one.comparisons)
            note = by_outputs(ready.request.run, done.results)
            agreement = max((one.agreement for one in done.results), default=Agreement.NOT_EXERCISED)
        result = ReproductionResult(
            name="explain",
            tier=Tier.FULL if ready.request.run.checkpoints is not None else ready.reproduction.tier,
            agreement=agreement,
            isolation=ready.rig.isolation,
            seconds=time.monotonic() - started,
            comparisons=comparisons,
            note=note,
        )
        diverged = agreement in {Agreement.DIVERGED, Agreement.REFUSED}
        undecided = agreement in {Agreement.INCONCLUSIVE, Agreement.NOT_EXERCISED}
        return ready.report(result, code=Exit.BLOCKED if diverged else Exit.UNDECIDED if undecided else Exit.OPEN)
