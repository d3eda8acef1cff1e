"""Flags a container image that is named by a tag, not by a digest.

## Why it matters
A tag moves. `pytorch:latest`, and `pytorch:2.3` too, is another image after the next rebuild, with
other libraries in it.

## How to fix
Name the image by its digest: `docker inspect --format '{{index .RepoDigests 0}}' IMAGE` prints it.

## When it cannot decide
Never: a name holds a digest or it does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, NotApplicable, Rule, Run, Severity

RULE: Final = Rule(
    id="environment/mutable-image",
    summary="A container image that is named by a tag, not by a digest.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)

_PINNED = re.compile(r".*(?:@|^)sha256:[0-9a-f]{64}", re.DOTALL)


def check(run: Run) -> Iterator[Finding]:
    """Yield the recorded image when nothing in its name identifies its bytes."""
    container = run.environment.container if run.environment is not None else None
    if container is None:
        raise NotApplicable("no container image was recorded")
    if not _PINNED.fullmatch(container.image):
        yield Finding(
            message=f"{container.image[:200]} is a name that can move, not a digest",
            pointer="/environment/container/image",
            fix="name the image by its digest: NAME@sha256:...",
        )
