"""What is said about the subjects: our own predicate with all that was found, and SLSA's summary of it.

Both are pure functions of a decision; nothing is looked up here. ``schemas/reproduction.md`` is the specification.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from auditor.attestation.statement import PROPERTY, VERIFIER, hexed
from auditor.model.comparison import Comparison, ReproductionResult
from auditor.model.policy import Gate
from auditor.model.report import PolicyUsed, RunReport
from auditor.model.words import EvidenceLevel, Outcome, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One approval that counted: by whom, which ledger entry says so, and until when (None for as long as the verdict)."""

    by: str
    entry: str
    expires: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A gate's decision about one run, ready to be signed. Times are in UTC."""

    version: str
    gate: str
    verdict: Verdict
    advisory: bool
    head: str
    policy: PolicyUsed
    rules: Gate
    run: RunReport
    levels: Mapping[str, EvidenceLevel]
    decided: dt.datetime
    expires: dt.datetime | None
    approvals: tuple[Approval, ...] = ()
    waived: tuple[str, ...] = field(default=())


def reproduction(decision: Decision) -> dict[str, Any]:
    """The predicate ``reproduction/v1``."""
    comparisons = [c for result in decision.run.reproductions for c in result.comparisons]
    return {
        "verifier": {"id": VERIFIER, "version": decision.version},
        "gate": decision.gate,
        "verdict": decision.verdict,
        "advisory": decision.advisory,
        "decidedOn": _written(decision.decided),
        "expiresOn": _written(decision.expires) if decision.expires is not None else None,
        "head": decision.head,
        "policy": {"digest": hexed(decision.policy.digest), "role": decision.policy.role, "ref": decision.policy.ref},
        "run": {"id": decision.run.id, "manifest": decision.run.manifest, "digest": hexed(decision.run.digest)},
        "required": {claim: list(levels) for claim, levels in sorted(decision.rules.require.items())},
        "levels": dict(sorted(decision.levels.items())),
        "tiers": list(decision.rules.tiers),
        "reproductions": [_reproduced(result) for result in decision.run.reproductions],
        "smallestDetectableDrift": {
            c.of: c.detectable for c in sorted(comparisons, key=lambda c: c.of) if c.detectable is not None
        },
        "counts": {outcome: sum(r.outcome is outcome for r in decision.run.results) for outcome in Outcome},
        "waived": sorted(decision.waived),
        "approvals": {
            "required": decision.rules.approvals,
            "count": len(decision.approvals),
            "given": [
                {"by": a.by, "entry": hexed(a.entry), "expiresOn": _written(a.expires) if a.expires is not None else None}
                for a in decision.approvals
            ],
        },
    }


def summary(decision: Decision, resource: str) -> dict[str, Any]:
    """SLSA's Verification Summary, version 1, about the artifact with the digest ``resource``."""
    algorithm, _, digits = resource.partition(":")
    return {
        "verifier": {"id": VERIFIER, "version": {"ml-run-auditor": decision.version}},
        "timeVerified": _written(decision.decided),
        "resourceUri": f"hash://{algorithm}/{digits}",
        "policy": {"uri": f"git:{decision.policy.ref}:auditor.yaml", "digest": hexed(decision.policy.digest)},
        "verificationResult": "PASSED" if decision.verdict is Verdict.OPEN and not decision.advisory else "FAILED",
        "verifiedLevels": [PROPERTY] if decision.verdict is Verdict.OPEN and not decision.advisory else [],
        "slsaVersion": "1.1",
    }


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


def _written(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
