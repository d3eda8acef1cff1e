"""The report for whatever reads JUnit's XML: one suite per run, one case per check, red exactly where the verdict is.

What JUnit has no word for is told apart by ``type``:

* ``failure``: a failed check at or above the gate's ``block-at``; ``type`` is its severity;
* ``error``: a check at or above it that did not decide; ``type`` is ``inconclusive`` or ``crashed``. A skip would be green;
* ``skipped``: what neither blocks nor undecides, with the reason; ``type`` is ``not-applicable``, ``waived``, or the outcome
  of a check below ``block-at`` (``failed``, ``inconclusive``, ``crashed``), whose findings stand in its output.

Where the verdict is red although no check is (nothing selected, no base to judge by), a case of its own says so.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET  # only written, never read
from collections import Counter
from collections.abc import Iterable

from auditor.model.comparison import ReproductionResult
from auditor.model.finding import Result
from auditor.model.report import Report
from auditor.model.words import Exit, Outcome, Verdict
from auditor.render import reading
from auditor.render.text import visible

_LONGEST_MESSAGE = 500
_FOR_THE_CHANGE = "no single run"
_TALLIED = ("failure", "error", "skipped")


def render(report: Report) -> str:
    """``report`` as XML that pytest's and Jenkins' schemas accept. Characters that XML does not have are spelt out."""
    root = ET.Element("testsuites", name="auditor")
    if report.results:
        _suite(root, report, _FOR_THE_CHANGE, report.results)
    for run in report.runs:
        suite = _suite(root, report, visible(run.manifest), run.results)
        _property(suite, "digest", run.digest)
        if run.reproductions:
            ET.SubElement(suite, "system-out").text = "\n".join(map(_reproduction, run.reproductions))
    _verdict(root, report)
    tally = _tally(root.iter("testcase"))
    root.set("tests", str(tally["tests"]))
    root.set("failures", str(tally["failure"]))
    root.set("errors", str(tally["error"]))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _suite(root: ET.Element, report: Report, name: str, results: Iterable[Result]) -> ET.Element:
    suite = ET.SubElement(root, "testsuite", name=name)
    ET.SubElement(suite, "properties")
    for result in results:
        _case(ET.SubElement(suite, "testcase", classname=name, name=result.check), report, result)
    _sum(suite)
    return suite


def _case(case: ET.Element, report: Report, result: Result) -> None:
    findings = "\n".join(_findings(result))
    match reading.weight(report, result):
        case Verdict.BLOCKED:
            _answer(case, "failure", result.severity, _short(result), findings)
        case Verdict.UNDECIDED:
            _answer(case, "error", result.outcome, _short(result), findings)
        case Verdict.OPEN if result.outcome is not Outcome.PASSED:
            kind = "waived" if result.waived else result.outcome
            said = _short(result)
            if not result.waived and result.outcome is not Outcome.NOT_APPLICABLE:
                said = f"{result.outcome}, but {result.severity} does not count here (block-at {report.block_at}): {said}"
            _answer(case, "skipped", kind, said, "")
            if findings:
                ET.SubElement(case, "system-out").text = findings


def _answer(case: ET.Element, element: str, kind: str, message: str, text: str) -> None:
    ET.SubElement(case, element, type=kind, message=message).text = text or None


def _findings(result: Result) -> Iterable[str]:
    for finding in result.findings:
        where = reading.place(finding)
        yield f"{visible(where)}: {visible(finding.message)}" if where else visible(finding.message)
        yield f"  fix: {visible(finding.fix)}"
    if result.findings and result.reason:
        yield visible(result.reason)


def _short(result: Result) -> str:
    """One line: the first finding, or the reason."""
    said = visible(result.findings[0].message if result.findings else reading.reason(result))
    more = f" (and {len(result.findings) - 1} more)" if len(result.findings) > 1 else ""
    return (said if len(said) <= _LONGEST_MESSAGE else f"{said[:_LONGEST_MESSAGE]}…") + more


def _reproduction(each: ReproductionResult) -> str:
    within = reading.isolation(each)
    note = f"; {visible(each.note)}" if each.note else ""
    told = f"{reading.agreements(each)}{f'; isolation {within}' if within else ''}; {each.seconds:.1f} s{note}"
    return f"reproduction {visible(reading.reproduction_name(each))}: {each.agreement} ({told})"


def _verdict(root: ET.Element, report: Report) -> None:
    """The last suite: what was judged and how, the counts of every outcome, and a case where nothing else is red."""
    suite = ET.SubElement(root, "testsuite", name="verdict")
    ET.SubElement(suite, "properties")
    red = _tally(root.iter("testcase"))
    if report.exit is not Exit.OPEN and not red["failure"] and not red["error"]:
        case = ET.SubElement(suite, "testcase", classname="verdict", name=report.gate or "auditor")
        blocked = report.exit is Exit.BLOCKED
        why = "; ".join(map(visible, report.notes)) or reading.headline(report)
        _answer(case, "failure" if blocked else "error", "verdict", f"exit {int(report.exit)}: {why}", "")
    _sum(suite)
    facts = {
        "verdict": report.verdict,
        "exit": str(int(report.exit)),
        "gate": report.gate,
        "head": report.head,
        "base": report.base,
        "advisory": reading.why_advisory(report) if report.advisory else None,
        "auditor": report.version,
        **{str(outcome): str(count) for outcome, count in report.counts.items()},
    }
    for name, value in facts.items():
        if value is not None:
            _property(suite, name, value)
    notes = [f"note: {visible(note)}" for note in report.notes]
    if reading.is_unchecked(reading.results_of(report)):
        notes.append(reading.NOTHING_JUDGED)
    last = f"{reading.headline(report)}: {reading.counted(reading.results_of(report), every=True)}"
    ET.SubElement(suite, "system-out").text = "\n".join([*notes, last])


def _property(suite: ET.Element, name: str, value: str) -> None:
    ET.SubElement(suite[0], "property", name=name, value=visible(value))


def _sum(suite: ET.Element) -> None:
    tally = _tally(suite.iter("testcase"))
    for name, kind in (("tests", "tests"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(tally[kind]))


def _tally(cases: Iterable[ET.Element]) -> Counter[str]:
    tally: Counter[str] = Counter()
    for case in cases:
        tally["tests"] += 1
        tally.update(kind for kind in _TALLIED if case.find(kind) is not None)
    return tally
