"""Flags a parent that nothing in this repository is known by.

## Why it matters
A parent is named by digest so that somebody can look it up. A digest that leads to no run, no
artifact and no data ends the story in the middle.

## How to fix
Commit the parent's manifest, or declare the weights that the run started from as data
(`auditor record --data base:parent-weights=PATH`).

## When it cannot decide
When the judged commit cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, History, NotApplicable, Rule, Rules, Run, Severity, relatives

RULE: Final = Rule(
    id="lineage/dangling-parent",
    summary="A parent that nothing in this repository is known by.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(run: Run, history: History, rules: Rules) -> Iterator[Finding]:
    """Yield each parent that is neither a committed run, nor an artifact of one, nor data of this run."""
    parents = run.lineage.parents if run.lineage is not None else ()
    if not parents:
        raise NotApplicable("the run names no parents")
    known = {data.digest for data in run.data}
    for other in relatives(history, rules):
        known |= {other.digest, *other.artifacts}
    for index, parent in enumerate(parents):
        if parent.digest not in known:
            yield Finding(
                message=f"{parent.digest[:19]}... ({parent.relation}) is no run, artifact or data known here",
                pointer=f"/lineage/parents/{index}/digest",
                fix="commit the parent's manifest, or declare the weights it gave as data with the role parent-weights",
            )
