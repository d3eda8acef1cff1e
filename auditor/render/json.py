"""The JSON report, version 1: an explicit mapping, so that a change of the nouns cannot silently change the format."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

from auditor.model.comparison import Comparison, ReproductionResult, Tolerance
from auditor.model.finding import Finding, Result
from auditor.model.reach import REACH
from auditor.model.report import PolicyUsed, Report, RunReport
from auditor.render import reading
from auditor.render.text import plain

SCHEMA = "auditor/report/v1"


def report_json(report: Report) -> str:
    r"""``report`` as JSON text, in ASCII.

    Numbers that JSON does not have (NaN, the infinities) are null. Bytes of names that are not UTF-8 are spelt ``\xff``.
    """
    return json.dumps(_report(report), indent=2, allow_nan=False)


def _report(report: Report) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "tool": {"version": report.version},
        "gate": report.gate,
        "verdict": report.verdict,
        "exit": int(report.exit),
        "advisory": report.advisory,
        "head": report.head,
        "base": report.base,
        "policies": [_policy(policy) for policy in report.policies],
        "counts": {str(outcome): count for outcome, count in report.counts.items()},
        "results": [_result(result) for result in report.results],
        "runs": [_run(run) for run in report.runs],
        "notes": [plain(note) for note in report.notes],
    }


def _policy(policy: PolicyUsed) -> dict[str, Any]:
    return {"role": policy.role, "digest": policy.digest, "ref": plain(policy.ref), "verdict": policy.verdict}


def _run(run: RunReport) -> dict[str, Any]:
    return {
        "manifest": plain(run.manifest),
        "digest": run.digest,
        "identity": run.identity,
        "id": None if run.id is None else plain(run.id),
        "results": [_result(result) for result in run.results],
        "reproductions": [_reproduction(reproduction) for reproduction in run.reproductions],
        "claims": [{"claim": plain(one.claim), "level": one.level, "pointer": plain(one.pointer)} for one in run.claims],
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "check": result.check,
        "outcome": result.outcome,
        "severity": result.severity,
        "evidence": result.evidence,
        "waived": result.waived,
        "reason": None if result.reason is None else plain(result.reason),
        "findings": [_finding(finding) for finding in result.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "message": plain(finding.message),
        "pointer": plain(finding.pointer),
        "file": None if finding.file is None else plain(finding.file),
        "line": finding.line,
        "fix": plain(finding.fix),
    }


def _reproduction(reproduction: ReproductionResult) -> dict[str, Any]:
    return {
        "name": plain(reproduction.name),
        "tier": reproduction.tier,
        "agreement": reproduction.agreement,
        "isolation": reproduction.isolation,
        "environment": plain(reproduction.environment),
        "executor": plain(reproduction.executor),
        "calibrated": reproduction.calibrated,
        "seconds": _finite(reproduction.seconds),
        "comparisons": [_comparison(comparison) for comparison in reproduction.comparisons],
        "note": None if reproduction.note is None else plain(reproduction.note),
        **({"reach": REACH[reproduction.tier]._asdict()} if reading.is_about_a_run(reproduction) else {}),
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "of": plain(comparison.of),
        "expected": _finite(comparison.expected),
        "actual": _finite(comparison.actual),
        "agreement": comparison.agreement,
        "tolerance": _tolerance(comparison.tolerance),
        "excess": _finite(comparison.excess),
        "detectable": _finite(comparison.detectable),
        **{key: plain(place) for key in ("first", "worst") if (place := getattr(comparison, key)) is not None},
        **({} if comparison.curve is None else {"curve": _finite(msgspec.to_builtins(comparison.curve))}),
        "note": None if comparison.note is None else plain(comparison.note),
    }


def _tolerance(tolerance: Tolerance | None) -> dict[str, Any]:
    if tolerance is None:
        return {}
    limits = {"absolute": tolerance.absolute, "relative": tolerance.relative}
    known: dict[str, Any] = {key: limit for key, limit in limits.items() if math.isfinite(limit)}
    welcome = {} if tolerance.better == "either" else {"better": tolerance.better}
    return known | {"source": plain(tolerance.source)} | welcome


def _finite(value: object) -> Any:
    """Any JSON value with the numbers that JSON does not have made null."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case str():
            return plain(value)
        case dict():
            return {plain(str(key)): _finite(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_finite(inner) for inner in value]
        case _:
            return value
