"""Flags a container that is not the one in which the run was made.

## Why it matters
The same weights in another image are another program: other libraries, other arithmetic, other bugs.
A tag says nothing; it moves.

## How to fix
Deploy the image that the manifest records, by digest; or approve an update of the base image in the
policy (`images`), after a repeat of the run in it has passed.

## When it cannot decide
When the run recorded no container.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import Deployment, EvidenceLevel, Finding, Inconclusive, NotApplicable, Rule, Severity

RULE: Final = Rule(
    id="environment/foreign-image",
    summary="A container that is about to run the model and is not the recorded one.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)


def check(deployment: Deployment) -> Iterator[Finding]:
    """Yield an image that is named by no digest, or is neither the recorded one nor allowed by the policy."""
    image = deployment.image
    if image is None:
        raise NotApplicable("no image is deployed (--image)")
    name, at, digest = image.given.rpartition("@")
    if not at or not digest.startswith("sha256:"):
        yield Finding(
            message=f"{image.given} names no digest, so it can be another image tomorrow",
            pointer="/environment/container/image",
            fix=f"deploy {image.given}@sha256:...",
        )
        return
    if image.recorded is None:
        raise Inconclusive("the run recorded no container to compare with")
    known = {one.rpartition("@")[2] for one in (image.recorded, *image.allowed)}
    if digest not in known:
        yield Finding(
            message=f"{name} is {digest}; the run was made in {image.recorded}",
            pointer="/environment/container/image",
            fix="deploy the recorded image, or allow this one (images) once a repeat of the run in it has passed",
        )
