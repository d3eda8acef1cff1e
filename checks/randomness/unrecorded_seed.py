"""Flags a run that records no seed and gives no reason why it needs none.

## Why it matters
Without a seed nobody can tell a run that cannot be repeated from one that nobody tried to repeat.

## How to fix
Take the seed from the configuration (a key named `seed`, `random_state` or `*_seed` is found by
itself), or name it with `auditor record --seed NAME=VALUE`. A computation without randomness says
so in `randomness.deterministic`.

## When it cannot decide
Never: seeds are recorded or they are not. Whether a recorded seed has any effect is asked by
randomness/dead-seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, NotApplicable, Rule, Run, Severity

RULE: Final = Rule(
    id="randomness/unrecorded-seed",
    summary="A run that records no seed and gives no reason why it needs none.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.DECLARED,
    since="0.1.0",
)


def check(run: Run) -> Iterator[Finding]:
    """Yield the absence of any injectable seed."""
    if run.run.status != "succeeded":
        raise NotApplicable(f"the run {run.run.status}; it claims no result")
    randomness = run.randomness
    if randomness is not None and (randomness.deterministic or _injectable(run)):
        return
    yield Finding(
        message="the run records no seed that a verifier could change",
        pointer="/randomness" if randomness is not None else "",
        fix="take the seed from the configuration, or record with --seed NAME=VALUE",
    )


def _injectable(run: Run) -> list[str]:
    seeds = run.randomness.seeds if run.randomness is not None else {}
    return [name for name, seed in seeds.items() if seed.at != "PYTHONHASHSEED"]
