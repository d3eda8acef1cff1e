"""The findings of a report as annotations: what blocks first, each on the line where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.model.annotation import Annotation, Level
from auditor.model.finding import Finding, Result
from auditor.model.report import Report
from auditor.model.words import Outcome, Verdict
from auditor.policy.load import FILE
from auditor.render import reading
from auditor.render.text import disarmed, visible

_LEVEL: Final[dict[Verdict, Level]] = {Verdict.BLOCKED: "failure", Verdict.UNDECIDED: "warning", Verdict.OPEN: "notice"}


def annotated(report: Report) -> tuple[Annotation, ...]:
    """One annotation for each finding and for each check that could not decide, the heaviest first.

    What stands in no file is placed at the first line of its manifest or, when it is about no run, of the policy. A name
    that no forge takes for a path (a line break in it, bytes that are not UTF-8) is placed there, too.
    """
    weighed = [(where, result, reading.weight(report, result)) for where, result in reading.everything(report)]
    weighed.sort(key=lambda one: (-one[2].rank, one[1].waived, -one[1].severity.rank))
    return tuple(each for where, result, weight in weighed for each in _of(where, result, weight))


def _of(where: str | None, result: Result, weight: Verdict) -> Iterator[Annotation]:
    if result.outcome is Outcome.FAILED:
        for each in result.findings:
            fix = f" Fix: {visible(each.fix)}" if each.fix else ""
            yield _annotation(where, result, weight, each, f"{visible(each.message)}{fix}")
    elif result.outcome in reading.UNDECIDED:
        finding = result.findings[0] if result.findings else None
        yield _annotation(where, result, weight, finding, f"{result.outcome}: {visible(reading.reason(result))}")


def _annotation(where: str | None, result: Result, weight: Verdict, finding: Finding | None, words: str) -> Annotation:
    named = finding.file if finding is not None and finding.file else None
    path = next((each for each in (named, where) if each and _is_path(each)), FILE)
    at = finding.line if finding is not None and finding.line and path == named else 1
    waived = ", waived" if result.waived else ""
    title = f"{result.check} ({result.severity}{waived})"
    level = _LEVEL[weight]
    return Annotation(path=path, line=at, level=level, title=title, message=disarmed(words) or title)


def _is_path(text: str) -> bool:
    return visible(text) == text and not text.startswith("/") and ".." not in text.split("/")
