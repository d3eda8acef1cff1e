"""The report of a judgement that could not be made: undecided or blocked, never a pass, with the reason."""

from __future__ import annotations

from collections.abc import Mapping

from auditor import __version__
from auditor.errors import AuditorError, BrokenLedgerError, PolicyError, RefusedError
from auditor.model.finding import Finding, Result
from auditor.model.report import Report
from auditor.model.words import EvidenceLevel, Exit, Outcome, Severity, Verdict

_FINDINGS: Mapping[type[AuditorError], str] = {
    PolicyError: "governance/invalid-policy",
    BrokenLedgerError: "governance/broken-ledger",
    RefusedError: "artifacts/foreign-artifact",
}
"""What keeps a gate from judging and is a finding itself. Refused is what was swapped under the gate's hands."""


def unjudged(error: AuditorError, gate: str | None) -> Report:
    """The report that ``error`` leaves of what ``gate`` was to judge. An invalid policy, say, is a finding of its own."""
    results: tuple[Result, ...] = ()
    check = next((check for kind, check in _FINDINGS.items() if isinstance(error, kind)), None)
    if check is not None:
        said = Finding(message=str(error), fix=error.hint or f"see `auditor explain {check}`")
        findings = getattr(error, "findings", ()) or (said,)
        results = (
            Result(
                check=check,
                outcome=Outcome.FAILED,
                severity=Severity.BLOCKER,
                evidence=EvidenceLevel.RECOMPUTED,
                findings=findings,
            ),
        )
    return Report(
        version=__version__,
        gate=gate,
        verdict=_verdict(error.exit) if gate is not None else None,
        exit=error.exit,
        results=results,
        notes=(str(error), *([error.hint] if error.hint else [])),
    )


def _verdict(code: Exit) -> Verdict:
    return Verdict.BLOCKED if code is Exit.BLOCKED else Verdict.UNDECIDED
