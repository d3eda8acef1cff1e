"""Flags an output of a reproduction that the run does not list among its artifacts.

## Why it matters
What a reproduction writes is compared with what the run recorded. A file that only the reproduction
knows has nothing to be compared with, and a run that hides one of its outputs is not described.

## How to fix
Record the run again with `--out` for every file that it writes.

## When it cannot decide
Never: both lists stand in the manifest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, NotApplicable, Rule, Run, Severity

RULE: Final = Rule(
    id="artifacts/unlisted-output",
    summary="An output of a reproduction that the run does not list among its artifacts.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(run: Run) -> Iterator[Finding]:
    """Yield each output, or expected artifact, of a reproduction that is no artifact of the run, nor below one."""
    if not run.reproductions:
        raise NotApplicable("the run has no reproductions")
    named = {word for a in run.artifacts for word in (a.path, a.mount, a.name) if word}
    folders = tuple(f"{word.rstrip('/')}/" for word in named)
    for index, reproduction in enumerate(run.reproductions):
        expected = reproduction.expect.artifacts if reproduction.expect is not None else ()
        places = [(f"outputs/{i}", path) for i, path in enumerate(reproduction.outputs)]
        places += [(f"expect/artifacts/{i}/path", artifact.path) for i, artifact in enumerate(expected)]
        for place, path in places:
            if path not in named and not path.startswith(folders):
                yield Finding(
                    message=f"{reproduction.name!r} writes {path}, which is no artifact of the run",
                    pointer=f"/reproductions/{index}/{place}",
                    fix="record the run again with --out for every file that it writes",
                )
