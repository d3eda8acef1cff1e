"""The catalogue of checks as a table, and one check's manual page, for people at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from auditor.model.finding import Rule
from auditor.policy.waivers import rule_digest
from auditor.render.page import Page


def table(rules: Iterable[Rule], *, color: bool = False, width: int = 80) -> str:
    """Every rule with its severity and summary, by family; the last line counts them."""
    page = Page(color=color, width=width)
    listed = sorted(rules, key=lambda rule: rule.id)
    for family, members in groupby(listed, key=lambda rule: rule.family):
        page.gap()
        page.line((family, "bold"))
        for rule in members:
            page.line(f"{rule.severity:<8}", (rule.id, "bold"), indent=2)
            page.line(rule.summary, indent=10)
    page.gap()
    page.line(f"{len(listed)} checks; `auditor explain CHECK` shows one's manual page" if listed else "no checks")
    return page.text()


def manual(rule: Rule, page: str, *, color: bool = False, width: int = 80) -> str:
    """The manual page of one rule: what the catalogue knows of it, then ``page``, its text with ``##`` headings.

    Paragraphs are wrapped anew; list items keep their marks, and indented or fenced blocks stay as they are.
    """
    sheet = Page(color=color, width=width)
    sheet.line((rule.id, "bold"))
    sheet.line(f"{rule.severity}; establishes its answer as {rule.evidence}; since {rule.since}")
    sheet.line(("waivers are bound to ", "dim"), rule_digest(rule), wrap=False)
    sheet.gap()
    paragraph: list[str] = []
    fenced = False
    for line in [*page.split("\n"), ""]:
        words = line.strip()
        is_fence = words.startswith("```")
        if paragraph and (not words or is_fence or words.startswith(("## ", "- ", "* ")) or fenced):
            _paragraph(sheet, paragraph)
        if is_fence:
            fenced = not fenced
        elif fenced or (not paragraph and line.startswith("    ")):
            sheet.line(line.rstrip(), indent=0 if line.startswith("    ") else 4, wrap=False)
        elif words.startswith("## "):
            sheet.gap()
            sheet.line((words.removeprefix("## "), "bold"))
        elif words:
            paragraph.append(words)
        else:
            sheet.gap()
    return sheet.text()


def _paragraph(sheet: Page, lines: list[str]) -> None:
    sheet.line(" ".join(lines), indent=2, hanging=2 if lines[0].startswith(("- ", "* ")) else 0)
    lines.clear()


def mapped(
    about: tuple[str, str, str, str, str],
    items: Iterable[tuple[str, str, tuple[str, ...]]],
    *,
    color: bool = False,
    width: int = 80,
) -> str:
    """A published list and the checks that gather evidence about each item.

    ``about`` are its title, edition, source, date and note; an item is its id, its title and the ids of its checks.
    """
    title, edition, source, dated, note = about
    page = Page(color=color, width=width)
    page.line((f"{title}, {edition}", "bold"))
    page.line(source)
    page.line(f"as of {dated}. {note}")
    listed = list(items)
    for key, words, checks in listed:
        page.gap()
        page.line((f"{key}  {words}", "bold"))
        page.line("evidence present, gathered by" if checks else "evidence not present: people answer", indent=2)
        for check in checks:
            page.line(check, indent=4)
    page.gap()
    answered = sum(bool(checks) for _, _, checks in listed)
    page.line(f"evidence present for {answered} of {len(listed)} items; whether an item is met is for people to say")
    return page.text()


def attested(statements: Mapping[str, str], *, color: bool = False, width: int = 80) -> str:
    """What a checklist leaves to people, as a list; empty for none."""
    page = Page(color=color, width=width)
    for number, (name, statement) in enumerate(statements.items()):
        if not number:
            page.line(("to be attested by people", "bold"))
        page.line((name, "bold"), f"  {statement}", indent=2, hanging=2)
    return page.text()
