"""Flags a package that ran in another version than the lock file pins.

## Why it matters
A lock that the run did not follow rebuilds another environment than the one that trained. One
version of one library can move a metric by more than a change of seed.

## How to fix
Install from the lock (`uv pip sync`, `uv sync --frozen`) before recording, or lock the versions
that are in use.

## When it cannot decide
When the recorder captured no packages, or the lock is not here or of a kind that the auditor does
not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import ClaimedBytes, EvidenceLevel, Finding, Inconclusive, NotApplicable, Rule, Run, Severity, read_lock

RULE: Final = Rule(
    id="environment/unlocked-package",
    summary="A package that ran in another version than the lock file pins.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)

_NUMERIC = frozenset(
    {"numpy", "scipy", "scikit-learn", "torch", "jax", "jaxlib", "tensorflow", "xgboost", "lightgbm", "catboost"}
    | {"pandas", "pyarrow", "polars"}
)
"""Libraries that compute results; one that ran although the lock lacks it is a defect, a development tool is not."""


def check(run: Run, claimed: ClaimedBytes) -> Iterator[Finding]:
    """Yield each package whose version differs from the lock's, and numeric libraries that the lock lacks."""
    environment = run.environment
    if environment is None or environment.lock is None:
        raise NotApplicable("no lock file was recorded (see environment/unlocked-environment)")
    recorder = run.extensions.get("auditor")
    if not environment.packages and isinstance(recorder, dict) and recorder.get("packages") == "imported":
        raise NotApplicable("the run imported no distribution")
    if not environment.packages:
        raise Inconclusive(run.why_unavailable("/environment/packages") or "the run records no packages")
    lock = read_lock(claimed.file(environment.lock).read_bytes(), environment.lock.kind or environment.lock.path)
    for name, version in environment.packages.items():
        pinned = lock.pins(name)
        if pinned and not lock.allows(name, version):
            message = f"{name} {version} ran, the lock pins {' or '.join(sorted(pinned))}"
        elif not pinned and name in _NUMERIC and name not in environment.editable:
            message = f"{name} {version} ran, the lock lacks it"
        else:
            continue
        yield Finding(
            message=message,
            pointer=f"/environment/packages/{name.replace('~', '~0').replace('/', '~1')}",
            fix="install from the lock before recording, or lock the versions that are in use",
        )
