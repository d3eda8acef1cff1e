"""Flags a step of the data's preparation whose code is not the code that was recorded.

## Why it matters
Data that were made by one script and are published with another cannot be made again. The digest of
the step's code is the only tie between the two.

## How to fix
Commit the script that made the data, or make the data again with the one that is committed and
record the run on them.

## When it cannot decide
When the recorded code is not in this clone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, History, Inconclusive, NotApplicable, Rule, Run, Severity

RULE: Final = Rule(
    id="data/changed-transformation",
    summary="A step of the data's preparation whose code is not the recorded code.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, history: History) -> Iterator[Finding]:
    """Yield each transformation whose code the recorded commit lacks, or holds with other bytes."""
    steps = [
        (f"/data/{index}/transformations/{place}/code", step.name, step.code)
        for index, data in enumerate(run.data)
        for place, step in enumerate(data.transformations)
        if step.code is not None and step.code.digest is not None
    ]
    if not steps:
        raise NotApplicable("no transformation of data names its code with a digest")
    source = history.source(run)
    if source is None:
        raise Inconclusive("the recorded code is not in this clone")
    for pointer, name, code in steps:
        actual = history.digest_at(source, code.path)
        if actual is None:
            message = f"{name}: {code.path} is not in the recorded commit"
        elif actual != code.digest:
            message = f"{name}: {code.path} in commit {source[:12]} is not the code that made the data"
        else:
            continue
        yield Finding(message=message, pointer=pointer, fix="commit the script that made the data, or make the data again")
