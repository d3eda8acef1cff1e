"""The report for a step summary or a comment on a change: verdict first, what blocks in a table, the rest folded.

Text of a run stands only inside blocks of HTML, in ``<code>``, with every sign that could mean something spelt as a
character reference. Markdown is not read inside such a block, and what a forge adds afterwards (links, mentions, references
to issues and commits, emoji) leaves ``<code>`` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from auditor.model.comparison import ReproductionResult
from auditor.model.finding import Result
from auditor.model.report import Report
from auditor.model.words import Agreement, Outcome, Verdict
from auditor.render import reading
from auditor.render.text import visible

LONGEST = 60_000
"""Characters in all: a comment on GitHub may have 65,536."""

_LONGEST_TEXT = 600
_MOST_FINDINGS = 10
_HARMLESS = frozenset(" -_.,/")
_SIGN = {Verdict.OPEN: "✅", Verdict.UNDECIDED: "❔", Verdict.BLOCKED: "❌"}


def render(report: Report) -> str:
    """``report`` as Markdown of at most :data:`LONGEST` characters; what did not fit is counted, never silent."""
    head, tail = _verdict(report), _tail(report)
    room = LONGEST - len(head) - len(tail)
    body: list[str] = []
    for section in _sections(report):
        room -= len(section) + 2
        if room < 200:
            body.append("*More was found than fits here; the JSON report has it all.*")
            break
        body.append(section)
    return "\n\n".join([head, *body, tail])


def _verdict(report: Report) -> str:
    said = reading.headline(report)
    sign = _SIGN[report.verdict] if report.verdict is not None else ""
    lines = [f"## {sign} auditor: {said}".replace("  ", " ")]
    about = [f"gate <code>{_safe(report.gate)}</code>"] if report.gate else []
    commits = (("head", report.head), ("base", report.base))
    about += [f"{name} <code>{_safe(commit[:12])}</code>" for name, commit in commits if commit]
    if about:
        lines.append(f"<p>{', '.join(about)}</p>")
    if report.advisory:
        lines.append(f"**Advisory**: {reading.why_advisory(report)}.")
    if reading.is_report_only(report):
        lines.append(f"**{reading.REPORT_ONLY.capitalize()}.**")
    return "\n\n".join(lines)


def _tail(report: Report) -> str:
    everything = reading.results_of(report)
    lines = []
    if reading.is_unchecked(everything):
        lines.append(f"**{reading.NOTHING_JUDGED.capitalize()}.**")
    if waived := sum(1 for result in everything if result.waived):
        lines.append(f"{waived} of the failed {'is' if waived == 1 else 'are'} waived.")
    return "\n\n".join([*lines, f"**{reading.headline(report)}**: {reading.counted(everything, every=True)}"])


def _sections(report: Report) -> Iterator[str]:
    """The parts between the verdict and the counts, the most important first."""
    everything = list(reading.everything(report))
    weighed = [(where, result, reading.weight(report, result)) for where, result in everything]
    blocking = [(where, result) for where, result, weight in weighed if weight is Verdict.BLOCKED]
    missing = [(where, result) for where, result, weight in weighed if weight is Verdict.UNDECIDED]
    yield from _table("What blocks", blocking, opened=True)
    yield from _table("What leaves it undecided", missing, opened=True)
    lighter = [(where, result) for where, result, weight in weighed if weight is Verdict.OPEN]
    yield from _table("Findings that do not block", _of(lighter, Outcome.FAILED), opened=False)
    yield from _table("Not checked, and not required", _of(lighter, *reading.UNDECIDED), opened=False)
    yield from _reproductions(report)
    yield from _runs(report)
    if report.notes:
        yield _folded("Notes", [f"<ul>{''.join(f'<li>{code(note)}</li>' for note in report.notes)}</ul>"])
    if report.policies:
        yield _folded("Policies", [_policies(report)])


def _of(found: list[tuple[str | None, Result]], *outcomes: Outcome) -> list[tuple[str | None, Result]]:
    return [(where, result) for where, result in found if result.outcome in outcomes]


def _table(title: str, found: list[tuple[str | None, Result]], *, opened: bool) -> Iterator[str]:
    """A table of results, one row for each finding, the heaviest first; nothing when there are none."""
    if not found:
        return
    found = sorted(found, key=lambda one: (one[1].waived, -one[1].severity.rank, one[1].check))
    rows = _fitting([_row(*cells) for where, result in found for cells in _cells(where, result)], columns=4)
    head = "<tr><th>severity</th><th>check</th><th>where</th><th>what, and what to do</th></tr>"
    table = f"<table>\n{head}\n{rows}\n</table>"
    yield f"### {title}\n\n{table}" if opened else _folded(f"{title} ({len(found)})", [table])


def _fitting(rows: list[str], *, columns: int) -> str:
    """As many of ``rows`` as a third of the whole text holds; the rest are counted in a row of their own."""
    kept: list[str] = []
    room = LONGEST // 3
    for index, row in enumerate(rows):
        room -= len(row) + 1
        if room < 0:
            kept.append(f'<tr><td colspan="{columns}">and {len(rows) - index} more; the JSON report has them all</td></tr>')
            break
        kept.append(row)
    return "\n".join(kept)


def _cells(where: str | None, result: Result) -> Iterator[tuple[str, ...]]:
    weighs = f"{result.severity}{', waived' if result.waived else ''}"
    if result.outcome is not Outcome.FAILED:
        weighs = f"{result.outcome}, {result.severity}"
    check = code(result.check)
    for finding in result.findings[:_MOST_FINDINGS]:
        told = f"{code(finding.message)}<br>fix: {code(finding.fix)}"
        yield weighs, check, code(reading.place(finding) or where or ""), told
    if not result.findings:
        yield weighs, check, code(where or ""), code(reading.reason(result))
    if len(result.findings) > _MOST_FINDINGS:
        yield weighs, check, code(where or ""), f"and {len(result.findings) - _MOST_FINDINGS} more findings of this check"


def _reproductions(report: Report) -> Iterator[str]:
    rows = [_reproduction(run.manifest, each) for run in report.runs for each in run.reproductions]
    if rows:
        head = "<tr><th>run</th><th>reproduction</th><th>agreement</th><th>compared</th></tr>"
        reaches = "".join(f"<li>{tier} {reach}</li>" for tier, reach in reading.reaches(report))
        table = f"<table>\n{head}\n{_fitting(rows, columns=4)}\n</table>"
        yield _folded(f"Reproductions ({len(rows)})", [table, *([f"<ul>{reaches}</ul>"] if reaches else [])])


def _reproduction(manifest: str, each: ReproductionResult) -> str:
    within = reading.isolation(each)
    told = f"{reading.agreements(each)}{f'; isolation {within}' if within else ''}; {each.seconds:.1f} s"
    worst = next(iter(reading.worst_first(each.comparisons)), None)
    parts = [code(told)]
    if each.note:
        parts.append(code(each.note))
    if worst is not None and worst.agreement is not Agreement.BITWISE:
        parts.append(f"worst: {code(reading.compared(worst))}")
    return _row(code(manifest), code(reading.reproduction_name(each)), each.agreement, "<br>".join(parts))


def _runs(report: Report) -> Iterator[str]:
    rows = [
        _row(reading.state(report, run.results), code(run.manifest), code(run.digest[:19]), reading.counted(run.results))
        for run in report.runs
    ]
    if rows:
        head = "<tr><th>state</th><th>run</th><th>digest</th><th>outcomes</th></tr>"
        yield _folded(f"Runs ({len(rows)})", [f"<table>\n{head}\n{_fitting(rows, columns=4)}\n</table>"])


def _policies(report: Report) -> str:
    used = []
    for policy in report.policies:
        said = f": {policy.verdict}" if policy.verdict else ""
        used.append(f"<li>{policy.role} {code(policy.ref)} {code(policy.digest[:19])}{said}</li>")
    return f"<ul>{''.join(used)}</ul>"


def _folded(title: str, blocks: Iterable[str]) -> str:
    inside = "\n".join(blocks)
    return f"<details>\n<summary>{title}</summary>\n{inside}\n</details>"


def _row(*cells: str) -> str:
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def code(text: str) -> str:
    """``text`` of a run as HTML in which it can mean nothing; empty for no text."""
    return f"<code>{_safe(text)}</code>" if text else ""


def _safe(text: str) -> str:
    """``text`` on one line, in which only letters, digits and blanks mean what they are."""
    shown = visible(text[: _LONGEST_TEXT * 4])
    if len(shown) > _LONGEST_TEXT:
        shown = f"{shown[:_LONGEST_TEXT]}…"
    return "".join(sign if sign.isalnum() or sign in _HARMLESS else f"&#{ord(sign)};" for sign in shown)
