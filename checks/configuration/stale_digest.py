"""Flags a configuration that differs from its digest or from its files.

## Why it matters
The hyperparameters of a run are a claim like any other. A learning rate edited in the manifest, or
in the file afterwards, describes a run that never happened.

## How to fix
Record the run again. To run with other values, use `auditor record --set KEY=VALUE`, which records
where each came from.

## When it cannot decide
When a configuration file cannot be found, or when neither the values nor the files have a digest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import ClaimedBytes, EvidenceLevel, Finding, Inconclusive, NotApplicable, Rule, Run, Severity, value_digest

RULE: Final = Rule(
    id="configuration/stale-digest",
    summary="A configuration that differs from its digest or from its files.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)

_FIX = "record the run again; configuration is captured by the recorder, not typed"


def check(run: Run, claimed: ClaimedBytes) -> Iterator[Finding]:
    """Yield a digest that is not that of the effective values, and files with other bytes than were recorded."""
    configuration = run.configuration
    if configuration is None or not (configuration.effective or configuration.files):
        raise NotApplicable("the run declares no configuration")
    if configuration.digest is not None and value_digest(configuration.effective) != configuration.digest:
        yield Finding(
            message="the effective configuration does not have the recorded digest",
            pointer="/configuration/digest",
            fix=_FIX,
        )
    if configuration.digest is None and all(file.digest is None for file in configuration.files):
        reason = run.why_unavailable("/configuration/digest")
        raise Inconclusive(reason or "neither the configuration nor any of its files has a digest")
    unseen = []
    for index, file in enumerate(configuration.files):
        try:
            found = claimed.locate(file)
        except Inconclusive as unanswered:
            unseen.append(unanswered.reason)
            continue
        if file.digest is not None and found.digest != file.digest:
            yield Finding(
                message=f"{file.path} in the {found.where} is not the file that was recorded",
                pointer=f"/configuration/files/{index}/digest",
                fix="restore the file, or record a run with the new values that supersedes this one",
            )
    if unseen:
        raise Inconclusive("; ".join(unseen))
