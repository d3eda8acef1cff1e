"""Flags a statement that a checklist leaves to people, and that nobody has made about the run.

## Why it matters
No check can read a licence agreement, or see whether seeds were chosen on the test data. Where a
checklist asks a person, silence is no answer.

## How to fix
Let somebody who knows say so under their name: `auditor attest MANIFEST ITEM --reason TEXT`. The
answer is about this very manifest, signed, and lasts until the day that it names.

## When it cannot decide
Never: an answer that expired, or that is signed with a key which the policy does not know, is none.
Outside of gates nobody's answers are looked up, and the question does not arise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import Answers, EvidenceLevel, Finding, NotApplicable, Rule, Severity

RULE: Final = Rule(
    id="governance/unattested-statement",
    summary="A statement that a checklist leaves to people and that nobody has made about the run.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.DECLARED,
    since="0.1.0",
)


def check(answers: Answers) -> Iterator[Finding]:
    """Yield each statement that is still to be made."""
    if not answers.required:
        raise NotApplicable("the checklist leaves nothing to people")
    if not answers.asked:
        raise NotApplicable("people's answers are looked up by gates only")
    for item, words in answers.required.items():
        if item not in answers.given:
            yield Finding(
                message=f"nobody has attested {item}: {words}",
                fix=f"have somebody who knows say so: auditor attest MANIFEST {item} --reason TEXT",
            )
