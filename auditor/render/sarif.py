"""The report as SARIF 2.1.0, for code scanning: findings as results where they stand, and what was not decided as such.

* a failed check: one result per finding, kind ``fail``; a waived one carries a suppression;
* an inconclusive check: one result of kind ``open`` ("insufficient information to decide", clause 3.27.9);
* a crashed check: a notification of the invocation, for it says nothing about the run;
* what passed or does not apply is counted in the properties alone: a viewer would list it among the defects.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from auditor.catalogue.check import Check, catalogue
from auditor.model.finding import Finding, Result
from auditor.model.report import Report
from auditor.model.words import Exit, Outcome, Severity
from auditor.policy.load import FILE
from auditor.render import reading
from auditor.render.text import visible

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

MOST_RESULTS = 25_000
"""GitHub refuses a file with more results in a run."""

_LEVEL = {Severity.BLOCKER: "error", Severity.MAJOR: "error", Severity.MINOR: "warning", Severity.INFO: "note"}
_PROBLEM = {"error": "error", "warning": "warning", "note": "recommendation"}
_ENDING = {
    Exit.OPEN: "open, agreed, or done",
    Exit.BLOCKED: "blocked",
    Exit.USAGE: "wrong usage, or an invalid policy",
    Exit.EMPTY_SELECTION: "nothing was selected",
    Exit.UNDECIDED: "undecided",
    Exit.INTERNAL: "a fault of the auditor",
}


def render(report: Report, rules: Mapping[str, Check] | None = None) -> str:
    """``report`` as SARIF text in ASCII. ``rules`` describes the checks by id: the catalogue's where it is None.

    Every check that has a result is among the rules, described or not. A finding that stands in no file is placed at the
    first line of its manifest or, when it is about no run, of the policy: viewers drop results without a place.
    """
    known = catalogue() if rules is None else rules
    asked = sorted({result.check for result in reading.results_of(report)})
    severities = {result.check: result.severity for result in reading.results_of(report)}
    index = {check: number for number, check in enumerate(asked)}
    results = _results(report, index)
    tool = {
        "name": "auditor",
        "semanticVersion": report.version,
        "rules": [_rule(check, known.get(check), severities[check]) for check in asked],
    }
    run = {
        "tool": {"driver": tool},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report, index, left_out=max(0, len(results) - MOST_RESULTS))],
        "results": results[:MOST_RESULTS],
        "properties": {
            "verdict": report.verdict,
            "gate": report.gate,
            "head": report.head,
            "base": report.base,
            "advisory": reading.why_advisory(report) if report.advisory else None,
            "counts": {str(outcome): count for outcome, count in report.counts.items()},
        },
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, allow_nan=False)


def _rule(check: str, known: Check | None, severity: Severity) -> dict[str, Any]:
    level = _LEVEL[severity]
    summary, page = (known.rule.summary, known.page) if known is not None else (f"{check} (a check of your own)", "")
    return {
        "id": check,
        "name": "".join(word.capitalize() for word in check.partition("/")[2].split("-")) or check,
        "shortDescription": {"text": summary},
        "fullDescription": {"text": page.partition("\n\n")[0].replace("\n", " ") or summary},
        "help": {"text": page or summary, "markdown": page or summary},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": [check.partition("/")[0]], "precision": "high", "problem.severity": _PROBLEM[level]},
    }


def _invocation(report: Report, index: Mapping[str, int], *, left_out: int) -> dict[str, Any]:
    crashed = [
        {
            "level": "error",
            "message": {"text": _words(f"{result.check} crashed on {where or 'the change'}: {reading.reason(result)}")},
            "associatedRule": {"id": result.check, "index": index[result.check]},
        }
        for where, result in reading.everything(report)
        if result.outcome is Outcome.CRASHED
    ]
    notes = [{"level": "note", "message": {"text": _words(note) or "no words"}} for note in report.notes]
    if left_out:
        notes.append({"level": "error", "message": {"text": f"{left_out} more results; the JSON report has them all"}})
    return {
        "executionSuccessful": not crashed and report.exit not in {Exit.INTERNAL, Exit.USAGE},
        "exitCode": int(report.exit),
        "exitCodeDescription": _ENDING[report.exit],
        "toolExecutionNotifications": crashed + notes,
    }


def _results(report: Report, index: Mapping[str, int]) -> list[dict[str, Any]]:
    """What failed, the heaviest first, then what was not decided; one entry for each finding."""
    seen: Counter[str] = Counter()
    found = sorted(reading.everything(report), key=lambda one: (one[1].waived, -one[1].severity.rank))
    failed = [
        _result(result, finding, where, index, seen) | _failed(result)
        for where, result in found
        if result.outcome is Outcome.FAILED
        for finding in result.findings or (Finding(message=reading.reason(result), fix=""),)
    ]
    undecided = [
        _result(result, finding, where, index, seen) | {"kind": "open", "level": "none"}
        for where, result in found
        if result.outcome is Outcome.INCONCLUSIVE
        for finding in (Finding(message=f"not decided: {reading.reason(result)}", fix=""), *result.findings)
    ]
    return failed + undecided


def _failed(result: Result) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": "fail", "level": _LEVEL[result.severity]}
    waiver = {"kind": "external", "status": "accepted", "justification": "a waiver of the policy covers it"}
    return shown | ({"suppressions": [waiver]} if result.waived else {})


def _result(
    result: Result, finding: Finding, where: str | None, index: Mapping[str, int], seen: Counter[str]
) -> dict[str, Any]:
    file = finding.file or where or FILE
    # The same defect keeps its name when lines move or a value in the message changes.
    name = hashlib.sha256(f"{result.check}\0{file}\0{finding.pointer}".encode(errors="backslashreplace")).hexdigest()[:32]
    seen[name] += 1
    message = _words(finding.message) + (f" Fix: {_words(finding.fix)}" if finding.fix else "")
    return {
        "ruleId": result.check,
        "ruleIndex": index[result.check],
        "message": {"text": message or result.check},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": _uri(file)}, "region": {"startLine": finding.line or 1}},
                "logicalLocations": [{"fullyQualifiedName": visible(f"{where or FILE}#{finding.pointer}")}],
            }
        ],
        "partialFingerprints": {"primaryLocationLineHash": f"{name}:{seen[name]}"},
        "properties": {"severity": result.severity, "evidence": result.evidence, "waived": result.waived},
    }


def _uri(path: str) -> str:
    """A path as a relative URI that names nothing but that path: no scheme, no host, no query."""
    # Python carries a byte that is no UTF-8 as one of U+DC80 to U+DCFF; any other lone surrogate stands for no byte.
    text = re.sub("[\ud800-\udc7f\udd00-\udfff]", "\ufffd", path)
    return "/".join(quote(part.encode(errors="surrogateescape"), safe="") for part in text.split("/") if part) or "."


def _words(text: str) -> str:
    """``text`` for a message, in which ``[words](address)`` would be a link (clause 3.11.6)."""
    shown = visible(text)
    return shown.replace("[", "\\[").replace("]", "\\]") if "](" in shown else shown
