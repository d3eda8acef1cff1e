"""The Markdown report says first what blocks, and nothing of a run does anything in it."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given
from markdown_it import MarkdownIt
from reports import BASE, BLOCKED, CALM, FULL, IDLE, LEAK, PASSED, REPORTS, UNEXERCISED, result, run

from auditor.model.finding import Finding
from auditor.model.report import Report
from auditor.model.words import Exit, Outcome, Severity, Verdict
from auditor.render import RENDERERS
from auditor.render.markdown import LONGEST, render

OURS = {"h2", "h3", "p", "strong", "em", "table", "thead", "tbody", "tr", "th", "td", "code", "br", "ul", "li"}
OURS |= {"details", "summary"}
HOSTILE = (
    "[x](http://evil.example)", "![x](http://evil.example/x.png)", "http://evil.example", "www.evil.example",
    "a@evil.example", "@octo/team and @octocat", "#12 octo/repo#3 GH-4", "3f786850e387550fdab836ed7e6dc881de23001b :tada:",
    "<img src=x onerror=y>", "</code></td></tr></table>", "a | b \\| c", "`code` ``", "# heading", "x\n\n# heading\n---",
    "<!-- hidden -->", "&lt;b&gt;", "</details><h1>open</h1>", "$x^2$", "**bold** _it_ ~~no~~", "- [ ] task", "\\", "[^1]",
    "```", "> quote",
)  # fmt: skip


class Elements(HTMLParser):
    """What a page consists of: its elements, their attributes, and the text by the element that it stands in."""

    def __init__(self, page):
        super().__init__()
        self.open, self.seen, self.attributes, self.texts = [], [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += attrs
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_comment(self, data):
        raise AssertionError(data)

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data))


def shown(text):
    """``text`` as GitHub would render it before its own filters: tables and bare links on."""
    return Elements(MarkdownIt("gfm-like", {"linkify": False}).render(text))


def texts(page, element):
    return [text for where, text in page.texts if where == element]


def test_the_verdict_comes_first_and_the_counts_last():
    lines = render(BLOCKED).splitlines()
    assert lines[0] == "## ❌ auditor: blocked"
    assert lines[-1] == "**blocked**: 1 passed, 3 failed, 1 inconclusive, 1 not-applicable, 1 crashed"
    assert "**Advisory**: nothing trusted stands behind this verdict." in lines


def test_what_blocks_is_in_sight_with_its_place_and_the_rest_is_folded():
    blocks, rest = render(BLOCKED).split("<details>", 1)
    page = shown(blocks)
    assert texts(page, "h3") == ["What blocks", "What leaves it undecided"]
    found = texts(page, "code")
    assert "data/undigested-dataset" in found
    assert "runs/a.run.yaml:12" in found
    assert "record the run again" in found
    assert "reproduction/unexercised-run" in found
    assert "security/unsafe-format" not in found, "waived"
    assert found.index("data/undigested-dataset") < found.index("governance/loosened-policy"), "the heaviest first"
    page = shown(f"<details>{rest}")
    assert "security/unsafe-format" in texts(page, "code")
    assert "major, waived" in texts(page, "td")


def test_calm_is_short():
    assert "What blocks" not in render(CALM)
    assert render(CALM).startswith("## ✅ auditor: open\n")


def test_nothing_judged_and_report_only_are_said():
    for runs in ((), (run(IDLE),)):
        said = render(Report(**BASE, verdict=Verdict.OPEN, runs=runs))
        assert "open, unchecked" in said.splitlines()[0]
        assert "**Nothing was judged: no check found anything to look at.**" in said
    assert "**Report only: exit 0 whatever was found.**" in render(msgspec.structs.replace(BLOCKED, exit=Exit.OPEN))
    assert render(Report(version="1", exit=Exit.EMPTY_SELECTION)).startswith("## auditor: exit 3\n")


def test_below_block_at_nothing_blocks():
    minor = result(Outcome.FAILED, severity=Severity.MINOR, findings=(Finding(message="m", fix="f"),))
    said = render(Report(**BASE, verdict=Verdict.OPEN, runs=(run(PASSED, minor),)))
    assert "What blocks" not in said
    assert "Findings that do not block (1)" in said
    strict = Report(**BASE, verdict=Verdict.BLOCKED, block_at=Severity.MINOR, runs=(run(PASSED, minor),))
    assert "### What blocks" in render(strict)


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_run_is_only_text(text):
    leak = msgspec.structs.replace(LEAK, findings=(Finding(message=text, fix=text, file=text, line=1),))
    undecided = msgspec.structs.replace(UNEXERCISED, reason=text)
    report = Report(**BASE, verdict=Verdict.BLOCKED, runs=(run(leak, undecided, manifest=text),), notes=(text,))
    said = render(report)
    page, harmless = shown(said), shown(render(_neutral(report)))
    assert page.seen == harmless.seen, "the same elements as with harmless words"
    assert page.attributes == harmless.attributes
    seen = text.replace("\n", "\\n")
    assert texts(page, "code").count(seen) == texts(harmless, "code").count("word")
    # Whatever a forge looks for after Markdown is done is not there to be found, not even in the source.
    assert not re.search(r"[@\[\]`|\\$~<>]", re.sub(r"</?(?:table|tr|t[dh]|code|br|details|summary|ul|li|p)>", "", said))
    assert "://" not in said


def _neutral(report):
    leak = msgspec.structs.replace(LEAK, findings=(Finding(message="word", fix="word", file="word", line=1),))
    undecided = msgspec.structs.replace(UNEXERCISED, reason="word")
    return msgspec.structs.replace(report, runs=(run(leak, undecided, manifest="word"),), notes=("word",))


@given(REPORTS)
def test_whatever_the_report_holds_the_page_is_ours(report):
    said = render(report)
    page = shown(said)
    assert set(page.seen) <= OURS
    assert page.attributes == []
    assert page.open == []
    assert texts(page, "h2") == [unescape(said.splitlines()[0].removeprefix("## "))]
    assert said.splitlines()[-1].startswith(f"**{report.verdict}")
    assert all(sign == "\n" or sign.isprintable() for sign in said)


def test_a_comment_holds_it_however_much_was_found():
    many = tuple(Finding(message="<" * 5000, fix="&" * 5000, file="@" * 500, line=n) for n in range(1, 101))
    leak = msgspec.structs.replace(LEAK, findings=many)
    runs = tuple(run(leak, UNEXERCISED, manifest=f"runs/{number}.run.yaml") for number in range(60))
    said = render(Report(**BASE, verdict=Verdict.BLOCKED, runs=runs, notes=("|" * 5000,) * 50))
    assert len(said) <= LONGEST
    assert "more; the JSON report has them all" in said
    assert said.splitlines()[-1].startswith("**blocked**: 0 passed, 60 failed, 60 inconclusive")
    shown(said)


def test_the_registry_renders_it():
    assert RENDERERS["markdown"](FULL, color=True, width=10) == render(FULL)
