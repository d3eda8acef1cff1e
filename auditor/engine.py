"""Asks every selected check about one subject. Each gets exactly one outcome, whatever happens in it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import msgspec

from auditor.catalogue.checklists import Selected
from auditor.evidence.unanswered import Inconclusive, NotApplicable
from auditor.model.finding import Finding, Result
from auditor.model.words import EvidenceLevel, Outcome

MOST_FINDINGS = 100
"""How many findings one check may report about one subject; the rest are counted."""


class Place(Protocol):
    """Tells where in a file a JSON Pointer stands: ``(file, line)``."""

    def __call__(self, pointer: str) -> tuple[str | None, int | None]:
        """The file and the line (from 1) of the value at ``pointer``."""


class Gathered:
    """Evidence about one subject, made when it is first asked for and kept, the refusal and the failure included."""

    def __init__(self, providers: Mapping[str, Callable[[], object]]) -> None:
        self._providers = providers
        self._kept: dict[str, object] = {}

    def answered(self, name: str) -> bool:
        """Whether the evidence called ``name`` was asked for and could be given."""
        return name in self._kept and not isinstance(self._kept[name], Exception)

    def __getitem__(self, name: str) -> object:
        if name not in self._kept:
            try:
                self._kept[name] = self._providers[name]()
            except Exception as error:  # noqa: BLE001  (raised below, each time)
                self._kept[name] = error
        kept = self._kept[name]
        if isinstance(kept, Exception):
            raise kept
        return kept


def nowhere(pointer: str) -> tuple[str | None, int | None]:  # noqa: ARG001  (the signature of Place)
    """The place of findings that stand in no file."""
    return None, None


def ask(selection: Iterable[Selected], evidence: Gathered, place: Place = nowhere) -> tuple[Result, ...]:
    """One result for each selected check, in the selection's order."""
    return tuple(_examine(selected, evidence, place) for selected in selection)


def _examine(selected: Selected, evidence: Gathered, place: Place) -> Result:
    rule = selected.check.rule
    findings: list[Finding] = []
    level = rule.evidence
    outcome, reason = Outcome.PASSED, None
    try:
        arguments = {name: evidence[name] for name in selected.check.parameters}
        for answer in selected.check.function(**arguments):
            if isinstance(answer, EvidenceLevel):
                level = min(level, answer)
            else:
                findings.append(answer)
    except Inconclusive as unanswered:
        outcome, reason = Outcome.INCONCLUSIVE, unanswered.reason
    except NotApplicable as unanswered:
        outcome, reason = Outcome.NOT_APPLICABLE, unanswered.reason
    except Exception as error:  # noqa: BLE001  (a fault in a check is the check's, and must not take the report down)
        outcome, reason = Outcome.CRASHED, _fault(error)
    if findings and outcome is not Outcome.CRASHED:
        outcome = Outcome.FAILED
    if outcome not in {Outcome.PASSED, Outcome.FAILED}:
        level = EvidenceLevel.DECLARED
    return Result(
        check=rule.id,
        outcome=outcome,
        severity=selected.severity,
        evidence=level,
        reason=reason,
        findings=tuple(_placed(finding, place) for finding in _bounded(findings)),
    )


def _fault(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"a fault in the check, not in the run: {type(error).__name__}: {error} ({frame.name}, line {frame.lineno})"


def _bounded(findings: list[Finding]) -> list[Finding]:
    if len(findings) <= MOST_FINDINGS:
        return findings
    rest = len(findings) - MOST_FINDINGS
    more = Finding(message=f"and {rest} more of the same kind", fix=findings[-1].fix)
    return [*findings[:MOST_FINDINGS], more]


def _placed(finding: Finding, place: Place) -> Finding:
    if finding.file is not None:
        return finding
    file, line = place(finding.pointer)
    return msgspec.structs.replace(finding, file=file, line=line)
