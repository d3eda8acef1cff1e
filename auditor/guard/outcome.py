"""What a report comes to in a word: how much it weighs, and what blocks."""

from __future__ import annotations

from auditor.model.report import Report
from auditor.model.words import Exit, Outcome, Verdict
from auditor.render import reading


def weight(report: Report) -> tuple[int, int]:
    """The order of reports by how much they weigh: an exit that is not 0 first, then the verdict."""
    return (int(report.exit is not Exit.OPEN), report.verdict.rank if report.verdict is not None else 1)


def blocking(report: Report) -> set[str]:
    """The ids of the checks that block."""
    return {
        result.check
        for result in reading.results_of(report)
        if result.outcome is Outcome.FAILED and reading.weight(report, result) is Verdict.BLOCKED
    }
