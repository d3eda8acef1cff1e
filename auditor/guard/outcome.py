"""Where a report belongs, and what it comes to in a word: how much it weighs, and what blocks."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.model.report import Report
from auditor.model.words import Exit, Outcome, Verdict
from auditor.render import reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a report belongs: on the commit ``head``, for the branch it goes into, and on the conversations ``numbers``."""

    head: str
    branch: str
    numbers: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """What the check is called. The branch is part of it: a verdict by one branch's policy says nothing for another."""
        return f"auditor/{self.branch}"


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
