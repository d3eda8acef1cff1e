"""Flags a change under which a reference run no longer comes out as recorded.

## Why it matters
Code, configuration or data that the reference runs depend on was changed, and the change moves
their results. Whoever merges it should know, and the record should say so.

## How to fix
Record the reference run anew on this branch and let it supersede the old one (`auditor record
--supersedes DIGEST --reason TEXT`), or mend the change.

## When it cannot decide
When a reference could not be executed with the changed files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import Agreement, Change, EvidenceLevel, Finding, Inconclusive, NotApplicable, Rule, Severity

RULE: Final = Rule(
    id="reproduction/stale-reference",
    summary="A change under which a reference run no longer comes out as recorded.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.RE_EXECUTED,
    since="0.1.0",
)


def check(change: Change) -> Iterator[Finding]:
    """Yield the references that diverged with the head's files and are not superseded in this change."""
    if not change.references:
        raise NotApplicable("no reference run is concerned by this change")
    undecided = []
    for reference in change.references:
        agreements = [result.agreement for result in reference.reproductions]
        if Agreement.DIVERGED in agreements or Agreement.REFUSED in agreements:
            if not reference.superseded:
                notes = "; ".join(r.note for r in reference.reproductions if r.note)
                yield Finding(
                    message=f"{reference.manifest} comes out differently with this change{f' ({notes})' if notes else ''}",
                    fix="record the run anew on this branch with --supersedes, or mend the change",
                    file=reference.manifest,
                )
        elif not any(agreement.outcome == "passed" for agreement in agreements):
            undecided.append(f"{reference.manifest} could not be executed with this change")
    if undecided:
        raise Inconclusive("; ".join(undecided))
