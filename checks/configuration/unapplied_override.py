"""Flags a layered configuration that the command never read.

## Why it matters
With several files, or with `--set`, the values that count exist only in the effective
configuration. A command that reads one of the files instead ran with other values than the manifest
says.

## How to fix
Read the file named by the environment variable `AUDITOR_CONFIG`, or put `{config}` into the
command.

## When it cannot decide
When the recorder did not observe what the command read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, Inconclusive, NotApplicable, Rule, Run, Severity

RULE: Final = Rule(
    id="configuration/unapplied-override",
    summary="A layered configuration that the command never read.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(run: Run) -> Iterator[Finding]:
    """Yield the layered configuration whose effective file was never opened."""
    configuration = run.configuration
    if configuration is None or not configuration.origins:
        raise NotApplicable("the run declares no configuration")
    sources = {origin.source for origin in configuration.origins.values()}
    if len(configuration.files) <= 1 and "set" not in sources:
        raise NotApplicable("a single configuration file counts by itself")
    recorder = run.extensions.get("auditor")
    opened = recorder.get("effective-config-read") if isinstance(recorder, dict) else None
    if opened is None:
        raise Inconclusive("the recorder did not observe whether the effective configuration was read")
    if opened is False:
        yield Finding(
            message="values were overridden, but the command never opened the effective configuration",
            pointer="/configuration/effective",
            fix="read the file named by AUDITOR_CONFIG, or put {config} into the command",
        )
