"""What every format for people reads out of a report: what weighs, what was left undecided, and in which words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator

from auditor.model.comparison import Comparison, ReproductionResult
from auditor.model.finding import Finding, Result
from auditor.model.reach import REACH, Reach
from auditor.model.report import Report
from auditor.model.words import Agreement, EvidenceLevel, Exit, Isolation, Outcome, Tier, Verdict
from auditor.policy.judge import weigh

UNDECIDED = (Outcome.INCONCLUSIVE, Outcome.CRASHED)
NOTHING_JUDGED = "nothing was judged: no check found anything to look at"
REPORT_ONLY = "report only: exit 0 whatever was found"

_LONGEST_VALUE = 60
_EXPERIMENTS = frozenset({"calibrate", "chaos", "explain"})
"""Names of results that are about machines and programs, not about whether a run is as recorded."""


def everything(report: Report) -> Iterator[tuple[str | None, Result]]:
    """Every result with the manifest that it is about, None for those about no single run; in the report's order."""
    yield from ((None, result) for result in report.results)
    yield from ((run.manifest, result) for run in report.runs for result in run.results)


def results_of(report: Report) -> list[Result]:
    """Every result, of runs and of none."""
    return [result for _, result in everything(report)]


def failed(results: Iterable[Result]) -> list[Result]:
    """The failed results, the heaviest first, then the waived ones."""
    found = (result for result in results if result.outcome is Outcome.FAILED)
    return sorted(found, key=lambda result: (result.waived, -result.severity.rank, result.check))


def undecided(results: Iterable[Result]) -> list[Result]:
    """The results that did not decide, in order."""
    return [result for result in results if result.outcome in UNDECIDED]


def weight(report: Report, result: Result) -> Verdict:
    """What one result alone makes of the verdict of ``report``."""
    return weigh(result, report.block_at)


def state(report: Report, results: tuple[Result, ...]) -> str:
    """The state of a run in a word: the gate's own when it is open, else that of its worst result."""
    if is_unchecked(results):
        return "unchecked"
    if report.verdict is Verdict.OPEN:
        return "open"
    outcomes = {result.outcome for result in results if not result.waived}
    if Outcome.FAILED in outcomes:
        return "failed"
    return "undecided" if outcomes & set(UNDECIDED) else "passed"


def headline(report: Report) -> str:
    """The verdict, or for a command that does not gate its exit code, and whether anything at all stands behind it."""
    said = report.verdict if report.verdict is not None else f"exit {int(report.exit)}"
    return f"{said}, unchecked" if is_unchecked(results_of(report)) and report.exit is Exit.OPEN else said


def is_report_only(report: Report) -> bool:
    """Whether the exit code hides a verdict that is not open."""
    return report.exit is Exit.OPEN and report.verdict not in (None, Verdict.OPEN)


def is_unchecked(results: Iterable[Result]) -> bool:
    """Whether nothing was found out at all: no result, or none that the question arose for."""
    return all(result.outcome is Outcome.NOT_APPLICABLE for result in results)


def counted(results: Iterable[Result], *, every: bool = False) -> str:
    """How many results have each outcome: every one, or those that occur."""
    tally = Counter(result.outcome for result in results)
    return ", ".join(f"{tally[outcome]} {outcome}" for outcome in Outcome if every or tally[outcome]) or "no results"


def place(finding: Finding | None) -> str | None:
    """Where a finding stands, as ``file:line`` or ``file``; None when it stands in no file."""
    if finding is None or finding.file is None:
        return None
    return finding.file if finding.line is None else f"{finding.file}:{finding.line}"


def reason(result: Result) -> str:
    """Why a result is what it is, for one that has no finding to say so."""
    return result.reason or ("failed without a finding" if result.outcome is Outcome.FAILED else "no reason was given")


def reproduction_name(reproduction: ReproductionResult) -> str:
    """Its name and, where that says something else, its tier."""
    name, tier = reproduction.name, reproduction.tier
    return name if name == tier else f"{name} ({tier})"


def agreements(reproduction: ReproductionResult) -> str:
    """How many comparisons came to each agreement."""
    kinds = Counter(comparison.agreement for comparison in reproduction.comparisons)
    return ", ".join(f"{kinds[kind]} {kind}" for kind in Agreement if kinds[kind]) or "nothing compared"


def isolation(reproduction: ReproductionResult) -> str | None:
    """What it was executed in; None for a tier that executes nothing."""
    return reproduction.isolation if reproduction.tier > Tier.RECOMPUTE else None


def worst_first(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """``comparisons``, those that agree least first."""
    return sorted(comparisons, key=lambda one: (-one.agreement.rank, -(one.excess or 0.0)))


def factors(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """The comparisons that are about what was varied (``factor:NAME``), in order."""
    return [comparison for comparison in comparisons if comparison.of.startswith("factor:")]


def factor_name(comparison: Comparison) -> str:
    """The name of the factor that a comparison is about."""
    return comparison.of.partition(":")[2]


def compared(comparison: Comparison) -> str:
    """One comparison in words."""
    parts = [f"{comparison.of} {comparison.agreement}"]
    if comparison.expected is not None or comparison.actual is not None:
        parts.append(f"expected {value(comparison.expected)}, got {value(comparison.actual)}")
    if comparison.excess is not None:
        parts.append(f"{comparison.excess:.3g} times the tolerance")
    if comparison.note:
        parts.append(comparison.note)
    return "; ".join(parts)


def value(shown: object) -> str:
    """A compared value as text of at most 60 characters; a number with all its digits."""
    text = repr(shown) if isinstance(shown, float) else json.dumps(shown, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def reaches(report: Report) -> Iterator[tuple[Tier, Reach]]:
    """What each tier that says anything in ``report`` catches and cannot see, once each, the cheapest first."""
    told = {each.tier for run in report.runs for each in run.reproductions if is_about_a_run(each)}
    if any(claim.level is EvidenceLevel.RECOMPUTED for run in report.runs for claim in run.claims):
        told.add(Tier.RECOMPUTE)
    yield from ((tier, REACH[tier]) for tier in Tier if tier in told)


def is_about_a_run(reproduction: ReproductionResult) -> bool:
    """Whether it came to an answer about a run: what was not executed, or not compared, catches nothing."""
    decided = reproduction.agreement.outcome is not Outcome.INCONCLUSIVE or bool(reproduction.comparisons)
    return decided and reproduction.name not in _EXPERIMENTS


def why_advisory(report: Report) -> str:
    """Why an advisory report is one."""
    executed = [r for run in report.runs for r in run.reproductions if r.tier > Tier.RECOMPUTE]
    if any(reproduction.isolation == Isolation.NONE for reproduction in executed):
        return "not isolated: what was re-executed ran on this machine without a sandbox"
    return "nothing trusted stands behind this verdict" if executed else "nothing was re-executed"
