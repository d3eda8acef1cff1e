"""The report of a judgement that could not be made: undecided or blocked, never a pass, with the reason."""

from __future__ import annotations

from auditor import __version__
from auditor.errors import AuditorError, PolicyError
from auditor.model.finding import Finding, Result
from auditor.model.report import Report
from auditor.model.words import EvidenceLevel, Exit, Outcome, Severity, Verdict


def unjudged(error: AuditorError, gate: str | None) -> Report:
    """The report that ``error`` leaves of what ``gate`` was to judge. An invalid policy is a finding of its own."""
    results: tuple[Result, ...] = ()
    if isinstance(error, PolicyError):
        findings = getattr(error, "findings", ()) or (Finding(message=str(error), fix=error.hint or "see `auditor init`"),)
        results = (
            Result(
                check="governance/invalid-policy",
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
