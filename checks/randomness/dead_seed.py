"""Flags a recorded seed that has no effect on what the run computes.

## Why it matters
A seed in the manifest promises that randomness is under control. When another seed changes nothing,
either the code does not read it (a constant is wired in, and the claim is empty) or the outputs are
not computed at all.

## How to fix
Hand the recorded seed to every random generator that the code makes. A method without randomness
needs no seed: record it with `randomness.deterministic` and the reason.

## When it cannot decide
When no seed can be changed by a verifier, when nothing was re-executed, or when the training rows
cannot be thinned out to tell a seed-free method from a fixed answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, Inconclusive, NotApplicable, Reproductions, Rule, Run, Severity

RULE: Final = Rule(
    id="randomness/dead-seed",
    summary="A recorded seed that has no effect.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RE_EXECUTED,
    since="0.1.0",
)


def check(run: Run, reproductions: Reproductions) -> Iterator[Finding]:
    """Yield the seed that was shown dead by re-execution with another value."""
    seeds = run.randomness.seeds if run.randomness is not None else {}
    if not any(seed.at != "PYTHONHASHSEED" for seed in seeds.values()):
        raise NotApplicable("no seed is recorded that a verifier could change (see randomness/unrecorded-seed)")
    if not reproductions.executes or not run.reproductions or run.run.status != "succeeded":
        raise NotApplicable("no reproduction is executed here to exercise it with (see reproduction/unexercised-run)")
    if not reproductions.trains:
        raise NotApplicable("no tier that starts the run with another seed is asked for here")
    liveness = reproductions.liveness
    if liveness is None:
        raise Inconclusive(reproductions.reason or "the seed was not exercised")
    match liveness.status:
        case "dead":
            yield Finding(
                message=liveness.note,
                pointer="/randomness/seeds",
                fix="hand the recorded seed to every random generator that the code makes",
            )
        case "seed-free":
            raise NotApplicable(liveness.note)
        case "not-exercised":
            raise Inconclusive(liveness.note)
        case "live":
            return
