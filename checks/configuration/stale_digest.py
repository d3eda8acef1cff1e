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

from auditor.api import (
    ClaimedBytes,
    EvidenceLevel,
    Finding,
    History,
    Inconclusive,
    NotApplicable,
    Rule,
    Run,
    Severity,
    recorded_bytes,
    redacted,
    resolve_again,
    value_digest,
)

RULE: Final = Rule(
    id="configuration/stale-digest",
    summary="A configuration that differs from its digest or from its files.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)

_FIX = "record the run again; configuration is captured by the recorder, not typed"


def check(run: Run, history: History, claimed: ClaimedBytes) -> Iterator[Finding]:
    """Yield each way in which the recorded configuration is not what its own files and overrides give.

    1. The digest is that of the effective values.
    2. The recorded commit, or the judged one, holds the files with the recorded bytes.
    3. Merged again, files and overrides give the effective values.
    """
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
        if not configuration.files and (reason := run.why_unavailable("/configuration/digest")):
            raise NotApplicable(reason)  # values that something else recorded, as good as none: nothing to hold them to
        raise Inconclusive("neither the configuration nor any of its files has a digest")
    changed = False
    for index, file in enumerate(configuration.files):
        try:
            recorded_bytes(file, run, history, claimed)
        except Inconclusive:
            found = claimed.locate(file)
            changed = True
            yield Finding(
                message=f"{file.path} in the {found.where} is not the file that was recorded",
                pointer=f"/configuration/files/{index}/digest",
                fix="restore the file, or record a run with the new values that supersedes this one",
            )
    if not changed:
        again = resolve_again(run, history, claimed).effective
        yield from _differences(configuration.effective, again, "/configuration/effective")


def _differences(claimed: object, resolved: object, pointer: str) -> Iterator[Finding]:
    if isinstance(claimed, dict) and isinstance(resolved, dict):
        for key in sorted({*claimed, *resolved}):
            escaped = key.replace("~", "~0").replace("/", "~1")
            yield from _differences(claimed.get(key), resolved.get(key), f"{pointer}/{escaped}")
    elif value_digest(claimed) != value_digest(resolved):
        yield Finding(
            message=f"the manifest says {redacted(claimed)!r}, the recorded files and overrides give {redacted(resolved)!r}",
            pointer=pointer,
            fix=_FIX,
        )
