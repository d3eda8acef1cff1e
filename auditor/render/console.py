"""The report for people at a terminal: calm when all is well, and never silent about what was not checked."""

from __future__ import annotations

from collections.abc import Iterable

from auditor.model.comparison import ReproductionResult
from auditor.model.finding import Finding, Result
from auditor.model.report import Report, RunReport
from auditor.model.words import Agreement, Exit, Outcome, Severity, Verdict
from auditor.render import reading
from auditor.render.page import Page

_MOST_FINDINGS = 10
_VERDICT = {Verdict.OPEN: "bold green", Verdict.UNDECIDED: "bold yellow", Verdict.BLOCKED: "bold red"}
_SEVERITY = {Severity.BLOCKER: "bold red", Severity.MAJOR: "red", Severity.MINOR: "yellow", Severity.INFO: "cyan"}
_STATE = {
    "open": "green",
    "passed": "green",
    "failed": "bold red",
    "undecided": "bold yellow",
    "unchecked": "bold yellow",
}


def render(report: Report, *, color: bool = False, width: int = 80) -> str:
    """``report`` in lines of ``width`` columns. The last line has the verdict and the count of every outcome."""
    page = Page(color=color, width=width)
    _head(page, report)
    for run in report.runs:
        _run(page, report, run)
    _results(page, report.results, heading="about the change" if report.gate else "about no single run")
    _reaches(page, report)
    _not_checked(page, report)
    _policies(page, report)
    _notes(page, report)
    _last_line(page, report)
    return page.text()


def _head(page: Page, report: Report) -> None:
    parts = [f"gate {report.gate}"] if report.gate else []
    parts += [f"{name} {commit[:12]}" for name, commit in (("head", report.head), ("base", report.base)) if commit]
    if parts:
        page.line("   ".join(parts))


def _run(page: Page, report: Report, run: RunReport) -> None:
    if _is_expanded(run):
        page.gap()
    word = reading.state(report, run.results)
    name = run.manifest if run.id is not None else f"{run.manifest} (unreadable)"
    page.line((f"{word:<10}", _STATE[word]), f"{name}  ", (reading.counted(run.results), "dim"), hanging=10)
    _results(page, run.results)
    for reproduction in run.reproductions:
        _reproduction(page, reproduction)


def _is_expanded(run: RunReport) -> bool:
    return bool(run.reproductions) or any(result.outcome is Outcome.FAILED for result in run.results)


def _results(page: Page, results: Iterable[Result], *, heading: str | None = None) -> None:
    failed = reading.failed(results)
    if failed and heading:
        page.gap()
        page.line(heading)
    for result in failed:
        for finding in result.findings[:_MOST_FINDINGS] or (None,):
            _finding(page, result, finding)
        if len(result.findings) > _MOST_FINDINGS:
            page.line(f"and {len(result.findings) - _MOST_FINDINGS} more findings of {result.check}", indent=4)


def _finding(page: Page, result: Result, finding: Finding | None) -> None:
    severity = (f"{result.severity.upper():<8}", "dim" if result.waived else _SEVERITY[result.severity])
    waived = [("  waived", "bold")] if result.waived else []
    where = reading.place(finding)
    page.line(severity, (result.check, "bold"), f"  {where}" if where else "", *waived, indent=2, hanging=8)
    if finding is None:
        page.line(reading.reason(result), indent=4)
        return
    page.line(finding.message, indent=4)
    if not result.waived:
        page.line(("fix: ", "dim"), finding.fix, indent=4, hanging=5)


def _reproduction(page: Page, reproduction: ReproductionResult) -> None:
    within = reading.isolation(reproduction)
    isolation = f"isolation {within}; " if within else ""
    source = reproduction.environment.partition(" ")[0]
    isolation += f"environment {source}; " if source not in {"", "current"} else ""
    page.line(
        ("reproduction ", "dim"),
        f"{reading.reproduction_name(reproduction)}: ",
        (reproduction.agreement, _agreement_style(reproduction.agreement)),
        f"  ({reading.agreements(reproduction)}; {isolation}{reproduction.seconds:.1f} s)",
        indent=2,
        hanging=2,
    )
    if reproduction.note:
        page.line(reproduction.note, indent=4)
    if reproduction.name == "calibrate":
        for learned in reproduction.comparisons:
            page.line(reading.compared(learned), indent=4, hanging=4)
        return
    if factors := reading.factors(reproduction.comparisons):
        for factor in factors:
            word = (f"{reading.factor_name(factor):<18}", _agreement_style(factor.agreement))
            page.line(word, factor.note or factor.agreement, indent=4, hanging=18)
        return
    worst = next(iter(reading.worst_first(reproduction.comparisons)), None)
    if worst is not None and worst.agreement is not Agreement.BITWISE:
        page.line("worst: ", reading.compared(worst), indent=4, hanging=7)


def _agreement_style(agreement: Agreement) -> str:
    return {Outcome.PASSED: "green", Outcome.FAILED: "bold red"}.get(agreement.outcome, "bold yellow")


def _reaches(page: Page, report: Report) -> None:
    """What agreement means here, and what it does not: one line for each tier."""
    told = list(reading.reaches(report))
    if told:
        page.gap()
        page.line(("what this can show", "bold"))
    for tier, reach in told:
        page.line((f"{tier}: ", "dim"), str(reach), indent=2, hanging=2)


def _not_checked(page: Page, report: Report) -> None:
    """What nobody should take for checked: every result that did not decide with its reason, then the counts."""
    undecided = [
        (place or "", result) for place, result in reading.everything(report) if result.outcome in reading.UNDECIDED
    ]
    idle = report.counts[Outcome.NOT_APPLICABLE]
    nothing = sum(report.counts.values()) == idle
    if not (undecided or idle or nothing):
        return
    page.gap()
    page.line(("not checked", "bold"))
    for place, result in undecided:
        where = f"  {place}" if place else ""
        page.line((result.outcome, "yellow"), f" {result.severity}  ", (result.check, "bold"), where, indent=2, hanging=2)
        page.line(reading.reason(result), indent=4)
    if idle:
        page.line(f"{idle} not applicable: the question does not arise", indent=2)
    if nothing:
        page.line((reading.NOTHING_JUDGED, "bold yellow"), indent=2)


def _policies(page: Page, report: Report) -> None:
    if report.policies:
        page.gap()
    for policy in report.policies:
        said = f"  {policy.verdict}" if policy.verdict is not None else ""
        where = "" if policy.ref in ("", policy.role) else f"  {policy.ref}"
        short = policy.digest[: len("sha256:") + 12]
        page.line(("policy ", "dim"), f"{policy.role}{where}  {short}{said}", hanging=7)


def _notes(page: Page, report: Report) -> None:
    if report.advisory or report.notes:
        page.gap()
    if report.advisory:
        page.line(("advisory: ", "bold yellow"), reading.why_advisory(report), hanging=10)
    for note in report.notes:
        page.line(("note: ", "dim"), note, hanging=6)


def _last_line(page: Page, report: Report) -> None:
    everything = reading.results_of(report)
    page.gap()
    if waived := sum(1 for result in everything if result.waived):
        page.line(f"{waived} of the failed {'is' if waived == 1 else 'are'} waived")
    if reading.is_report_only(report):
        page.line(reading.REPORT_ONLY)
    style = "bold" if report.exit is Exit.OPEN else "bold red"
    if report.verdict is not None:
        style = _VERDICT[report.verdict]
    if reading.is_unchecked(everything) and report.exit is Exit.OPEN:
        style = "bold yellow"
    page.line((reading.headline(report), style), f": {reading.counted(everything, every=True)}", wrap=False)
