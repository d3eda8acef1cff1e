"""Flags a declared split whose parts are not the whole: rows lost, repeated, or from elsewhere.

## Why it matters
A split that drops the hard rows, or lets a row stand on both sides, is a result by construction. It
is also the commonest slip in a script that prepares data.

## How to fix
Split again so that every row is in exactly one part. A step that also filters rows is a
transformation of its own, before the split, with its own output.

## When it cannot decide
When one of the tables is not here, or the parts have other columns than the whole and no declared
`id` column to know rows by.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import (
    ClaimedBytes,
    DataSource,
    EvidenceLevel,
    Finding,
    Inconclusive,
    NotApplicable,
    Rule,
    Run,
    Severity,
    partition,
)

RULE: Final = Rule(
    id="data/broken-partition",
    summary="A declared split whose parts are not the whole.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, claimed: ClaimedBytes) -> Iterator[Finding]:
    """Yield each transformation called a split, with one input, whose outputs together are not that input."""
    splits = _splits(run)
    if not splits:
        raise NotApplicable("no transformation is declared that splits one data set into several")
    unread = []
    for pointer, (whole, parts) in splits.items():
        try:
            found = partition(claimed, whole, parts)
        except Inconclusive as unanswered:
            unread.append(unanswered.reason)
            continue
        wrong = [
            f"{count} rows {words}"
            for count, words in (
                (found.lost, f"of {whole.name} are in no part"),
                (found.repeated, "are in more than one part, or twice in one"),
                (found.foreign, f"of the parts are not in {whole.name}"),
            )
            if count
        ]
        if wrong:
            yield Finding(
                message="; ".join(wrong), pointer=pointer, fix="split again so that every row is in exactly one part"
            )
    if unread:
        raise Inconclusive("; ".join(unread))


def _splits(run: Run) -> dict[str, tuple[DataSource, list[DataSource]]]:
    """Each declared split once, by its pointer, although every part of it may tell how it was made."""
    named = {data.name: data for data in run.data}
    found: dict[str, tuple[DataSource, list[DataSource]]] = {}
    seen = set()
    for index, data in enumerate(run.data):
        for place, step in enumerate(data.transformations):
            known = [name for name in (*step.inputs, *step.outputs) if name in named]
            is_split = "split" in step.name.lower() and len(step.inputs) == 1 and len(step.outputs) > 1
            if not is_split or len(known) != 1 + len(step.outputs) or (step.inputs, step.outputs) in seen:
                continue
            seen.add((step.inputs, step.outputs))
            parts = [named[name] for name in step.outputs]
            found[f"/data/{index}/transformations/{place}"] = (named[step.inputs[0]], parts)
    return found
