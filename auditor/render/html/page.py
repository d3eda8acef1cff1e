"""What the page shows, and where it stops: the choices that a template should not make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auditor.model.comparison import Comparison, ReproductionResult
from auditor.model.finding import Result
from auditor.model.reach import REACH
from auditor.model.report import Report, RunReport
from auditor.model.words import Agreement, Outcome, Verdict
from auditor.render import reading

MOST_RUNS = 200
"""Runs that are shown in full; the rest have their line in the overview."""

MOST_ROWS = 200
"""Rows of one table or list; the rest are counted."""

MOST_CURVES = 24
"""Curves of a reproduction that are drawn."""

_IN_SIGHT = 10
"""Rows of comparisons that are not folded away."""

_CALM = 12
"""Up to so many runs, those without anything to say are shown in full, too."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A result, the manifest it is about, and a word for what it does to the verdict: blocks, undecides, or nothing."""

    where: str | None
    result: Result
    weight: Verdict


class Page:
    """The report, sorted for the eye."""

    most_rows = MOST_ROWS
    most_curves = MOST_CURVES
    reach = REACH

    def __init__(self, report: Report) -> None:
        self._report = report
        self.weighed = [Weighed(where, r, reading.weight(report, r)) for where, r in reading.everything(report)]
        self.undecided = [one for one in self.weighed if one.result.outcome in reading.UNDECIDED]
        self.idle = [one for one in self.weighed if one.result.outcome is Outcome.NOT_APPLICABLE]

    @property
    def tone(self) -> str:
        """The colour of the verdict: good, bad or unsure."""
        if reading.is_unchecked([one.result for one in self.weighed]):
            return "unsure"
        match self._report.verdict:
            case Verdict.OPEN:
                return "good"
            case Verdict.BLOCKED:
                return "bad"
            case Verdict.UNDECIDED:
                return "unsure"
            case None:
                return {0: "good", 1: "bad"}.get(int(self._report.exit), "unsure")

    @property
    def summary(self) -> str:
        """The verdict's grounds in one sentence."""
        blocking = sum(one.weight is Verdict.BLOCKED for one in self.weighed)
        missing = sum(one.weight is Verdict.UNDECIDED for one in self.weighed)
        light = sum(one.result.outcome is Outcome.FAILED and one.weight is Verdict.OPEN for one in self.weighed)
        parts = []
        if blocking:
            parts.append(f"{blocking} {'check blocks' if blocking == 1 else 'checks block'}")
        if missing:
            parts.append(f"{missing} required {'answer is' if missing == 1 else 'answers are'} missing")
        if light:
            parts.append(f"{light} {'finding does' if light == 1 else 'findings do'} not block")
        if reading.is_unchecked([one.result for one in self.weighed]):
            return f"{reading.NOTHING_JUDGED.capitalize()}."
        return f"{'; '.join(parts).capitalize()}." if parts else "Every check that applies passed."

    @property
    def runs_in_full(self) -> list[tuple[int, RunReport]]:
        """The runs that have a section of their own, each with its number in the overview."""
        runs = list(enumerate(self._report.runs, start=1))
        telling = runs if len(runs) <= _CALM else [(number, run) for number, run in runs if _tells(run)]
        return telling[:MOST_RUNS]

    def failed(self, results: Sequence[Result]) -> list[Weighed]:
        """The failed results, the heaviest first."""
        return [Weighed(None, result, reading.weight(self._report, result)) for result in reading.failed(results)]

    @staticmethod
    def state_tone(word: str) -> str:
        """The colour of a run's state."""
        return {"open": "good", "passed": "good", "failed": "bad"}.get(word, "unsure")

    @staticmethod
    def agreement_tone(agreement: Agreement) -> str:
        """The colour of an agreement."""
        return {Outcome.PASSED: "good", Outcome.FAILED: "bad"}.get(agreement.outcome, "unsure")

    @staticmethod
    def rows(reproduction: ReproductionResult) -> tuple[list[Comparison], list[Comparison], int]:
        """The comparisons, the worst first: those in sight, those folded away, and how many more there are."""
        found = reading.worst_first(reproduction.comparisons)
        seen = len(found) if len(found) <= _IN_SIGHT + 5 else _IN_SIGHT
        return found[:seen], found[seen:MOST_ROWS], max(0, len(found) - MOST_ROWS)


def _tells(run: RunReport) -> bool:
    return bool(run.reproductions) or any(
        result.outcome in {Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.CRASHED} for result in run.results
    )
