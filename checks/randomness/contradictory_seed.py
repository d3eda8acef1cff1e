"""Flags a seed whose recorded value is not what stands at the recorded place.

## Why it matters
A verifier changes the seed where the manifest says it is. A seed of 7 in the list and of 42 in the
configuration means that one of the two was typed in afterwards.

## How to fix
Record the run again; seeds are found by the recorder, or named with `auditor record --seed`.

## When it cannot decide
Never for the configuration and the command. A variable that is not among those recorded is not
asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, NotApplicable, Rule, Run, Seed, Severity, at_pointer, escaped

RULE: Final = Rule(
    id="randomness/contradictory-seed",
    summary="A seed whose recorded value is not what stands at the recorded place.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(run: Run) -> Iterator[Finding]:
    """Yield each seed that the configuration, the command or the variables give another value, or none."""
    seeds = run.randomness.seeds if run.randomness is not None else {}
    if not seeds:
        raise NotApplicable("the run records no seed")
    for name, seed in seeds.items():
        found = _standing(run, seed)
        if found is None or any(_is(seed.value, value) for value in found):
            continue
        where = f"argument {seed.at}" if isinstance(seed.at, int) else seed.at
        said = f"holds {found[0]!r}" if found else "does not exist"
        yield Finding(
            message=f"seed {name!r} is recorded as {seed.value!r}, but {where} {said}",
            pointer=f"/randomness/seeds/{escaped(name)}",
            fix="record the run again; seeds are found by the recorder, not typed",
        )


def _standing(run: Run, seed: Seed) -> tuple[object, ...] | None:
    """What stands at the seed's place, () for nothing, None where the manifest does not tell."""
    if isinstance(seed.at, int):
        words = run.code.entrypoint if run.code is not None else ()
        return (words[seed.at],) if 0 <= seed.at < len(words) else ()
    if seed.at.startswith("/"):
        return at_pointer(run.configuration.effective if run.configuration is not None else {}, seed.at)
    variables = run.environment.variables if run.environment is not None else {}
    return (variables[seed.at],) if seed.at in variables else None


def _is(seed: object, value: object) -> bool:
    """Whether a place holds the seed, as a value, as text, or behind ``--seed=``."""
    text = str(value)
    return str(seed) in {text, text.rpartition("=")[2]}
