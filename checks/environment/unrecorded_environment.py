"""Flags a run that does not say in which environment it computed.

## Why it matters
Without the interpreter, the platform and the packages, nobody can build the environment again, and
nobody can tell another machine from another result.

## How to fix
Record with `auditor record`, which asks the interpreter that the command starts. For an old run
whose environment is unknown, say why under `unavailable`.

## When it cannot decide
When the manifest gives a reason why something is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, Inconclusive, NotApplicable, Rule, Run, Severity

RULE: Final = Rule(
    id="environment/unrecorded-environment",
    summary="A run that does not say in which environment it computed.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.DECLARED,
    since="0.1.0",
)

_NEEDED = {"python": "the interpreter", "platform": "the platform", "executor": "the executor class", "packages": "packages"}


def check(run: Run) -> Iterator[Finding]:
    """Yield each part of the environment that is neither recorded nor explained."""
    if run.run.status != "succeeded":
        raise NotApplicable(f"the run {run.run.status}; it claims no result")
    environment = run.environment
    missing = [name for name in _NEEDED if environment is None or not getattr(environment, name)]
    recorder = run.extensions.get("auditor")
    if environment is not None and isinstance(recorder, dict) and recorder.get("packages") == "imported":
        missing = [name for name in missing if name != "packages"]  # every import was seen, and none was of a package
    reasons = {name: run.why_unavailable(f"/environment/{name}") for name in missing}
    for name in missing:
        if reasons[name] is None:
            yield Finding(
                message=f"the run does not record {_NEEDED[name]}",
                pointer="/environment" if environment is not None else "",
                fix="record the run with `auditor record`, or say under `unavailable` why it is not known",
            )
    if missing:
        raise Inconclusive("; ".join(f"{_NEEDED[name]}: {reason}" for name, reason in reasons.items() if reason))
