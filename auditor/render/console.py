"""The report for people at a terminal: calm when all is well, and never silent about what was not checked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator

from auditor.model.comparison import Comparison, ReproductionResult
from auditor.model.finding import Finding, Result
from auditor.model.report import Report, RunReport
from auditor.model.words import Agreement, Exit, Isolation, Outcome, Severity, Tier, Verdict
from auditor.render.page import Page

_MOST_FINDINGS = 10
_VERDICT = {Verdict.OPEN: "bold green", Verdict.UNDECIDED: "bold yellow", Verdict.BLOCKED: "bold red"}
_SEVERITY = {Severity.BLOCKER: "bold red", Severity.MAJOR: "red", Severity.MINOR: "yellow", Severity.INFO: "cyan"}
_UNDECIDED = (Outcome.INCONCLUSIVE, Outcome.CRASHED)


def render(report: Report, *, color: bool = False, width: int = 80) -> str:
    """``report`` in lines of ``width`` columns. The last line has the verdict and the count of every outcome."""
    page = Page(color=color, width=width)
    _head(page, report)
    for run in report.runs:
        _run(page, report, run)
    _results(page, report.results, heading="about the change" if report.gate else "about no single run")
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
    word, style = _word(report, run.results)
    name = run.manifest if run.id is not None else f"{run.manifest} (unreadable)"
    page.line((f"{word:<10}", style), f"{name}  ", (_counted(run.results), "dim"), hanging=10)
    _results(page, run.results)
    for reproduction in run.reproductions:
        _reproduction(page, reproduction)


def _is_expanded(run: RunReport) -> bool:
    return bool(run.reproductions) or any(result.outcome is Outcome.FAILED for result in run.results)


def _word(report: Report, results: tuple[Result, ...]) -> tuple[str, str]:
    """The state of a run in a word: the gate's own when it is open, else that of its worst result."""
    if _is_unchecked(results):
        return "unchecked", "bold yellow"
    if report.verdict is Verdict.OPEN:
        return "open", "green"
    outcomes = {result.outcome for result in results if not result.waived}
    if Outcome.FAILED in outcomes:
        return "failed", "bold red"
    return ("undecided", "bold yellow") if outcomes & set(_UNDECIDED) else ("passed", "green")


def _results(page: Page, results: Iterable[Result], *, heading: str | None = None) -> None:
    """The failed results, the heaviest first, then the waived ones."""
    failed = sorted((r for r in results if r.outcome is Outcome.FAILED), key=lambda r: (r.waived, -r.severity.rank, r.check))
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
    page.line(severity, (result.check, "bold"), *_place(finding), *waived, indent=2, hanging=8)
    if finding is None:
        page.line(result.reason or "failed without a finding", indent=4)
        return
    page.line(finding.message, indent=4)
    if not result.waived:
        page.line(("fix: ", "dim"), finding.fix, indent=4, hanging=5)


def _place(finding: Finding | None) -> Iterator[str]:
    if finding is not None and finding.file is not None:
        yield f"  {finding.file}" + (f":{finding.line}" if finding.line is not None else "")


def _reproduction(page: Page, reproduction: ReproductionResult) -> None:
    name = reproduction.name if reproduction.name == reproduction.tier else f"{reproduction.name} ({reproduction.tier})"
    kinds = Counter(comparison.agreement for comparison in reproduction.comparisons)
    compared = ", ".join(f"{kinds[kind]} {kind}" for kind in Agreement if kinds[kind]) or "nothing compared"
    isolation = f"isolation {reproduction.isolation}; " if reproduction.tier > Tier.RECOMPUTE else ""
    page.line(
        ("reproduction ", "dim"),
        f"{name}: ",
        (reproduction.agreement, _agreement_style(reproduction.agreement)),
        f"  ({compared}; {isolation}{reproduction.seconds:.1f} s)",
        indent=2,
        hanging=2,
    )
    if reproduction.note:
        page.line(reproduction.note, indent=4)
    worst = max(reproduction.comparisons, key=lambda c: (c.agreement.rank, c.excess or 0.0), default=None)
    if worst is not None and worst.agreement is not Agreement.BITWISE:
        page.line("worst: ", _compared(worst), indent=4, hanging=7)


def _compared(comparison: Comparison) -> str:
    parts = [f"{comparison.of} {comparison.agreement}"]
    if comparison.expected is not None or comparison.actual is not None:
        parts.append(f"expected {_value(comparison.expected)}, got {_value(comparison.actual)}")
    if comparison.excess is not None:
        parts.append(f"{comparison.excess:.3g} times the tolerance")
    if comparison.note:
        parts.append(comparison.note)
    return "; ".join(parts)


def _value(value: object) -> str:
    text = repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _agreement_style(agreement: Agreement) -> str:
    return {Outcome.PASSED: "green", Outcome.FAILED: "bold red"}.get(agreement.outcome, "bold yellow")


def _not_checked(page: Page, report: Report) -> None:
    """What nobody should take for checked: every result that did not decide with its reason, then the counts."""
    undecided = [
        (place, result)
        for place, results in (("", report.results), *((run.manifest, run.results) for run in report.runs))
        for result in results
        if result.outcome in _UNDECIDED
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
        page.line(result.reason or "no reason was given", indent=4)
    if idle:
        page.line(f"{idle} not applicable: the question does not arise", indent=2)
    if nothing:
        page.line(("nothing was judged: no check found anything to look at", "bold yellow"), indent=2)


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
        page.line(("advisory: ", "bold yellow"), _why_advisory(report), hanging=10)
    for note in report.notes:
        page.line(("note: ", "dim"), note, hanging=6)


def _why_advisory(report: Report) -> str:
    executed = [r for run in report.runs for r in run.reproductions if r.tier > Tier.RECOMPUTE]
    if any(reproduction.isolation == Isolation.NONE for reproduction in executed):
        return "not isolated: what was re-executed ran on this machine without a sandbox"
    return "nothing trusted stands behind this verdict" if executed else "nothing was re-executed"


def _last_line(page: Page, report: Report) -> None:
    everything = [*report.results, *(result for run in report.runs for result in run.results)]
    page.gap()
    if waived := sum(1 for result in everything if result.waived):
        page.line(f"{waived} of the failed {'is' if waived == 1 else 'are'} waived")
    if report.exit is Exit.OPEN and report.verdict not in (None, Verdict.OPEN):
        page.line("report only: exit 0 whatever was found")
    said, style = f"exit {int(report.exit)}", "bold" if report.exit is Exit.OPEN else "bold red"
    if report.verdict is not None:
        said, style = report.verdict, _VERDICT[report.verdict]
    if _is_unchecked(everything) and report.exit is Exit.OPEN:
        said, style = f"{said}, unchecked", "bold yellow"
    page.line((said, style), f": {_counted(everything, every=True)}", wrap=False)


def _is_unchecked(results: Iterable[Result]) -> bool:
    """Whether nothing was found out at all: no result, or none that the question arose for."""
    return all(result.outcome is Outcome.NOT_APPLICABLE for result in results)


def _counted(results: Iterable[Result], *, every: bool = False) -> str:
    """How many results have each outcome: every one, or those that occur."""
    tally = Counter(result.outcome for result in results)
    return ", ".join(f"{tally[outcome]} {outcome}" for outcome in Outcome if every or tally[outcome]) or "no results"
