"""Flags a credential in a manifest.

## Why it matters
Manifests are committed, and what was committed once is known for ever. A token in a command line or
a variable opens the account that it belongs to for everybody who can read the repository.

## How to fix
Revoke the credential first; removing the line does not unpublish it. Then record again with the
recorder, which redacts credentials in commands, configuration, variables and remote addresses.

## When it cannot decide
When the manifest cannot be read. A secret of a shape that nobody knows is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, Manifest, Rule, Severity, secrets_in

RULE: Final = Rule(
    id="security/leaked-secret",
    summary="A credential in a manifest.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(manifest: Manifest) -> Iterator[Finding]:
    """Yield the place of each credential, never the credential."""
    for pointer in secrets_in(manifest.value):
        yield Finding(
            message="a credential stands here",
            pointer=pointer,
            fix="revoke it, then record the run again; the recorder redacts credentials",
        )
