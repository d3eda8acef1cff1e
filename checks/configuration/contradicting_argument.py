"""Flags an argument of the command that gives another value than the recorded configuration.

## Why it matters
`--epochs 3` on the command line usually wins over `epochs: 100` in the file. The configuration that
everybody reads then describes a run that never happened.

## How to fix
Pass the value with `auditor record --set epochs=3` and read it from the effective configuration, or
leave it out of one of the two places.

## When it cannot decide
Never: arguments and configuration are both in the manifest. An argument that names no key of the
configuration is not asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, NotApplicable, Rule, Run, Severity

RULE: Final = Rule(
    id="configuration/contradicting-argument",
    summary="An argument of the command that gives another value than the recorded configuration.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(run: Run) -> Iterator[Finding]:
    """Yield each option, ``--key value``, ``--key=value`` or ``key=value``, that differs from the configuration."""
    leaves = dict(_leaves(run.configuration.effective, "")) if run.configuration is not None else {}
    words = run.code.entrypoint if run.code is not None else ()
    if not leaves or not words:
        raise NotApplicable("the run records no configuration, or no command")
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if not equals and word.startswith("--") and index + 1 < len(words) and not words[index + 1].startswith("--"):
            value = words[index + 1]
        elif not equals:
            continue
        key = name.lstrip("-+").replace("-", "_")
        if key in leaves and not _agree(value, leaves[key]):
            yield Finding(
                message=f"the command says {key} is {value!r}, the recorded configuration {leaves[key]!r}",
                pointer=f"/code/entrypoint/{index}",
                fix="set the value with --set and read it from the effective configuration",
            )


def _leaves(value: dict[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for key, child in value.items():
        dotted = f"{prefix}.{key}" if prefix else key
        if isinstance(child, dict):
            yield from _leaves(child, dotted)
        elif isinstance(child, int | float | str):
            yield dotted.replace("-", "_"), child


def _agree(text: str, value: object) -> bool:
    if isinstance(value, bool):
        return text.lower() in ({"true", "yes", "on", "1"} if value else {"false", "no", "off", "0"})
    if isinstance(value, int | float):
        try:
            return float(text) == value
        except (ValueError, OverflowError):
            return False
    return text.strip("'\"") == value
