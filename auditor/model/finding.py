"""A rule, its findings, and the one result that every selected check gets."""

from __future__ import annotations

import msgspec

from auditor.model.words import EvidenceLevel, Outcome, Severity


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One defect.

    A check gives ``message`` (what is wrong, with the values), ``pointer`` (JSON Pointer into the manifest, "" for all of
    it) and ``fix`` (what to do). The engine adds ``file`` and ``line`` (from 1) where the pointer stands; a check sets
    them itself only when the defect is in another file.
    """

    message: str
    fix: str
    pointer: str = ""
    file: str | None = None
    line: int | None = None


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What a check is called, how much it weighs, and the best level at which it can establish an answer.

    ``id`` is ``family/defect`` and equals the check's path below ``checks/``. ``version`` changes when the meaning does:
    waivers are bound to it.
    """

    id: str
    summary: str
    severity: Severity
    evidence: EvidenceLevel
    since: str
    version: int = 1

    @property
    def family(self) -> str:
        """The folder that the check lives in."""
        return self.id.partition("/")[0]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one check on one subject.

    ``reason`` says why a check did not decide (inconclusive, not-applicable, crashed). ``evidence`` is the level at which
    the outcome was established, never above the rule's. A waived result stays visible but neither blocks nor undecides.
    """

    check: str
    outcome: Outcome
    severity: Severity
    evidence: EvidenceLevel = EvidenceLevel.DECLARED
    reason: str | None = None
    findings: tuple[Finding, ...] = ()
    waived: bool = False
