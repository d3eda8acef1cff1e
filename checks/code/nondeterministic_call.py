"""Flags calls in the executed code whose outcome differs from run to run, with line numbers.

## Why it matters
A generator without a seed, a seed from the clock, the order of a set or of a directory listing: each
makes two honest runs of one commit differ, sometimes only on another machine.

## How to fix
Seed every generator from the configuration, wrap listings and sets in `sorted`, and hash text with
`zlib.crc32` or `hashlib`. A call that does not reach the result (a file name from `uuid4`) may stay;
lower or waive this check.

## When it cannot decide
When the recorded code is not in this clone. Files are those the recorder saw the command read, else
those on its command line; what runs inside installed libraries is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, History, Rule, Run, Severity, executed, nondeterministic

RULE: Final = Rule(
    id="code/nondeterministic-call",
    summary="Calls in the executed code whose outcome differs from run to run.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, history: History) -> Iterator[Finding]:
    """Yield each such call with its file and line."""
    for spot in nondeterministic(executed(run, history)):
        yield Finding(
            message=spot.message,
            file=spot.path,
            line=spot.line,
            fix="seed it from the configuration, or make its order explicit with sorted()",
        )
