"""Flags a data set that is fetched from an address whose content can change.

## Why it matters
A bucket key without a version, a hub's default branch or `latest` gives other bytes next month. The
digest then says that they are wrong; nothing says where the right ones are.

## How to fix
Put a revision, a version or a content digest into the address (`?versionId=...`,
`@<40 hex digits>`, a DOI), or write it into the data's `version`.

## When it cannot decide
Never: an address is pinned or it is not. Nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, NotApplicable, Rule, Run, Severity

RULE: Final = Rule(
    id="data/unpinned-source",
    summary="A data set that is fetched from an address whose content can change.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.DECLARED,
    since="0.1.0",
)

_PINNED = re.compile(
    r"(?i)[0-9a-f]{40}|[0-9a-f]{64}|versionid=[^&#]+|generation=[0-9]+|[#@][0-9]{10,}|\bdoi\b.*10\.[0-9]{4,}/|^10\.[0-9]{4,}/"
    r"|zenodo\.org/records?/[0-9]+|openml\.org/.*[0-9]+|[?&](?:version|revision|rev)=(?!main\b|master\b|latest\b|head\b)[^&#]+"
    r"|@v?[0-9]+(?:\.[0-9]+)+\b|/v?[0-9]+(?:\.[0-9]+)+/"
)
_MOVING = frozenset({"main", "master", "latest", "head", "trunk", "current", "newest", "stable", "dev"})


def check(run: Run) -> Iterator[Finding]:
    """Yield each address without a pin, and each version that names something which moves."""
    remote = [(index, data) for index, data in enumerate(run.data) if data.uri is not None or data.version is not None]
    if not remote:
        raise NotApplicable("no data set has an address or a version")
    for index, data in remote:
        version = (data.version or "").strip().lower()
        if version in _MOVING:
            yield Finding(
                message=f"{data.name}: the version {data.version!r} names something else tomorrow",
                pointer=f"/data/{index}/version",
                fix="name the version, revision or digest that was used",
            )
        elif data.uri is not None and not version and not _PINNED.search(data.uri[:4096]):
            yield Finding(
                message=f"{data.name} is fetched from {data.uri[:200]}, whose content can change",
                pointer=f"/data/{index}/uri",
                fix="put a revision, version or digest into the address, or write it into `version`",
            )
