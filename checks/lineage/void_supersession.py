"""Flags a run or a snapshot that says it replaces something that is not there, or itself.

## Why it matters
A superseded result is one that nobody should quote any longer. A digest that leads nowhere leaves
the old result standing, and looks as if it did not.

## How to fix
Take the digest of the manifest that is replaced from a report (`auditor check --format json`), and
record with `--supersedes DIGEST --reason TEXT`.

## When it cannot decide
When the judged commit cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, History, NotApplicable, Rule, Rules, Run, Severity, relatives

RULE: Final = Rule(
    id="lineage/void-supersession",
    summary="A run or a snapshot that says it replaces something that is not there, or itself.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(run: Run, history: History, rules: Rules) -> Iterator[Finding]:
    """Yield the superseded run that the judged commit lacks, and each snapshot that supersedes its own digest."""
    replaced = run.run.supersedes
    newer = [(index, data) for index, data in enumerate(run.data) if data.supersedes is not None]
    if replaced is None and not newer:
        raise NotApplicable("the run supersedes nothing")
    if replaced is not None and replaced.digest not in {other.digest for other in relatives(history, rules)}:
        yield Finding(
            message=f"no manifest in the judged commit has the digest {replaced.digest[:19]}...",
            pointer="/run/supersedes/digest",
            fix="take the digest of the replaced manifest from a report, and commit both",
        )
    for index, data in newer:
        if data.supersedes is not None and data.supersedes.digest == data.digest:
            yield Finding(
                message=f"{data.name} supersedes a snapshot with its own digest",
                pointer=f"/data/{index}/supersedes/digest",
                fix="name the digest of the former snapshot, or leave `supersedes` out",
            )
