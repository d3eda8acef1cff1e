"""Flags container images of old runs that were on this machine at an earlier audit and are not any more.

## Why it matters
A run that was made in an image can be made again only there. Images are pruned, and registries drop
what no tag names.

## How to fix
Load the image again, by its digest, and keep it: `podman image save`, or a registry of your own that
keeps what is named by digest.

## When it cannot decide
When neither podman nor docker is here, or no audit on this machine ever saw the image. An address in a
manifest is never dialled.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, Inconclusive, NotApplicable, Past, Rule, Severity

RULE: Final = Rule(
    id="environment/vanished-image",
    summary="A container image of an old run that was here before and is gone.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(past: Past) -> Iterator[Finding]:
    """Yield each image that is gone, with the runs that were made in it."""
    if not past.images.looked_at:
        raise NotApplicable("no run names an image by its digest")
    for one in past.images.gone:
        yield Finding(
            message=one.message,
            fix="load it again, by digest, and keep it in a registry of your own",
            pointer="/environment/container",
            file=one.file,
        )
    if past.images.unanswered:
        raise Inconclusive("; ".join(past.images.unanswered)[:1000])
