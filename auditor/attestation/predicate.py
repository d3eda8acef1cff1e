"""What is said about the subjects: our own predicate with all that was found, and SLSA's summary of it.

Both are pure functions of what was found; nothing is looked up here. ``schemas/reproduction.md`` is the specification.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from auditor.attestation.statement import PROPERTY, VERIFIER, finite, hexed
from auditor.model.comparison import Comparison, ReproductionResult
from auditor.model.policy import Gate
from auditor.model.report import PolicyUsed, RunReport
from auditor.model.words import Outcome, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One approval that counted: by whom, which ledger entry says so, and until when (None for as long as the verdict)."""

    by: str
    entry: str
    expires: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one gate found out about one run."""

    gate: str
    verdict: Verdict
    advisory: bool
    head: str
    policy: PolicyUsed
    rules: Gate
    run: RunReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouching:
    """What is added to it when it is vouched for. Times are in UTC; ``expires`` None is no end."""

    version: str
    decided: dt.datetime
    expires: dt.datetime | None
    approvals: tuple[Approval, ...] = ()


def found(judged: Judged) -> dict[str, Any]:
    """What was found out, as JSON: the body of a verdict in the ledger, and most of a predicate."""
    comparisons = [c for result in judged.run.reproductions for c in result.comparisons]
    value: dict[str, Any] = finite(
        {
            "gate": judged.gate,
            "verdict": judged.verdict,
            "advisory": judged.advisory,
            "head": judged.head,
            "policy": {"digest": hexed(judged.policy.digest), "role": judged.policy.role, "ref": judged.policy.ref},
            "run": {"id": judged.run.id, "manifest": judged.run.manifest, "digest": hexed(judged.run.digest)},
            "required": {claim: list(levels) for claim, levels in sorted(judged.rules.require.items())},
            "levels": {one.claim: one.level for one in judged.run.claims},
            "tiers": list(judged.rules.tiers),
            "reproductions": [_reproduced(result) for result in judged.run.reproductions],
            "smallestDetectableDrift": {c.of: c.detectable for c in comparisons if c.detectable is not None},
            "counts": {outcome: sum(r.outcome is outcome for r in judged.run.results) for outcome in Outcome},
            "waived": sorted(result.check for result in judged.run.results if result.waived),
        }
    )
    return value


def reproduction(found: Mapping[str, Any], vouching: Vouching, *, required: int) -> dict[str, Any]:
    """The predicate ``reproduction/v1``: what was :func:`found`, until when, and who approved."""
    return {
        **{name: found[name] for name in _FOUND},
        "verifier": {"id": VERIFIER, "version": vouching.version},
        "decidedOn": _written(vouching.decided),
        "expiresOn": _written(vouching.expires),
        "approvals": {
            "required": required,
            "count": len(vouching.approvals),
            "given": [
                {"by": one.by, "entry": hexed(one.entry), "expiresOn": _written(one.expires)} for one in vouching.approvals
            ],
        },
    }


def summary(found: Mapping[str, Any], vouching: Vouching, resource: str) -> dict[str, Any]:
    """SLSA's Verification Summary, version 1, about the artifact with the digest ``resource``."""
    algorithm, _, digits = resource.partition(":")
    passed = found["verdict"] == Verdict.OPEN and not found["advisory"]
    return {
        "verifier": {"id": VERIFIER, "version": {"ml-run-auditor": vouching.version}},
        "timeVerified": _written(vouching.decided),
        "resourceUri": f"hash://{algorithm}/{digits}",
        "policy": {"uri": f"git:{found['policy']['ref']}:auditor.yaml", "digest": found["policy"]["digest"]},
        "verificationResult": "PASSED" if passed else "FAILED",
        "verifiedLevels": [PROPERTY] if passed else [],
        "slsaVersion": "1.1",
    }


_FOUND: Final = (
    "gate", "verdict", "advisory", "head", "policy", "run", "required", "levels", "tiers", "reproductions",
    "smallestDetectableDrift", "counts", "waived",
)  # fmt: skip


def _reproduced(result: ReproductionResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "tier": result.tier,
        "agreement": result.agreement,
        "isolation": result.isolation,
        "executor": result.executor,
        "calibrated": result.calibrated,
        "comparisons": [_compared(comparison) for comparison in result.comparisons],
    }


def _compared(comparison: Comparison) -> dict[str, Any]:
    tolerance = comparison.tolerance
    return {
        "of": comparison.of,
        "agreement": comparison.agreement,
        "expected": comparison.expected,
        "actual": comparison.actual,
        "tolerance": None
        if tolerance is None
        else {"absolute": tolerance.absolute, "relative": tolerance.relative, "source": tolerance.source},
        "excess": comparison.excess,
        "detectable": comparison.detectable,
    }


def _written(moment: dt.datetime | None) -> str | None:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment is not None else None
