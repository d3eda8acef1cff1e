"""The page says everything, needs nothing but itself, and is looked at in a real browser."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given
from playwright.sync_api import sync_playwright
from reports import BASE, BLOCKED, CALM, DIVERGED, FULL, IDLE, LEAK, PASSED, REPORTS, SMOKE, UNEXERCISED, run

from auditor.model.comparison import Comparison, Tolerance
from auditor.model.finding import Finding
from auditor.model.report import Report
from auditor.model.words import Agreement, Exit, Outcome, Severity, Verdict
from auditor.render import RENDERERS
from auditor.render.html import drawing, render
from auditor.render.html.page import MOST_ROWS

QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
QUIET += " --disable-component-update --disable-sync"
MARKUP = "<script>document.title='owned'</script><img src=http://evil.example/x onerror=\"document.title='owned'\">"
VOID = {"meta", "link", "br", "img"}


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.text, self.tags, self.attributes, self.open = "", [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag in {"dt", "dd", "td", "th"}:
            self.text += " "

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


def words(report):
    return " ".join(Page(render(report)).text.split())


def hostile(report, text=MARKUP):
    leak = msgspec.structs.replace(LEAK, findings=(Finding(message=text, fix=text, file=text, line=1),))
    smoke = msgspec.structs.replace(
        SMOKE,
        name=text,
        note=text,
        executor=text,
        comparisons=(
            *SMOKE.comparisons,
            Comparison(of=f"tensor:{text}", agreement=Agreement.DIVERGED, expected=text, actual=[text], note=text),
            Comparison(of=f"metric:{text}", agreement=Agreement.BITWISE, expected=1, actual=1, tolerance=Tolerance()),
        ),
    )
    undecided = msgspec.structs.replace(UNEXERCISED, reason=text)
    idle = msgspec.structs.replace(IDLE, reason=text)
    first = run(leak, undecided, idle, manifest=text, run_id=text, reproductions=[smoke])
    return msgspec.structs.replace(report, runs=(first, *report.runs), notes=(text,))


def test_it_says_everything():
    said = words(FULL)
    for part in (
        "Blocked", "3 checks block; 1 required answer is missing; 2 findings do not block.", "gate merge",
        "runs/20260301-120000-train.run.yaml:88", "block.13.bias", "run `auditor reproduce` here", "does not block",
        "waived major", "Reproduction smoke", "isolation bwrap", "x86-64-v4", "not calibrated", "18.4 s",
        "claimed 0.9719, came out 0.9702, allowed ±0.002", "28 tensors", "The worst 10 of 31 comparisons", "The other 21",
        "there is no sandbox on this machine", "2 not applicable", "2 metrics were not compared: train_seconds",
        "origin/main", LEAK.findings[0].message, "All 37 checks of this run",
    ):  # fmt: skip
        assert part in said, part
    assert said.endswith("blocked: 65 passed, 5 failed, 1 inconclusive, 2 not-applicable, 0 crashed")
    assert "Advisory nothing trusted stands behind this verdict" in words(BLOCKED)
    assert "Every check that applies passed." in words(CALM)


def test_nothing_judged_and_report_only_are_said():
    for runs in ((), (run(IDLE),)):
        said = words(Report(**BASE, verdict=Verdict.OPEN, runs=runs))
        assert "Open, unchecked Nothing was judged" in said
        assert 'class="verdict unsure"' in render(Report(**BASE, verdict=Verdict.OPEN, runs=runs))
    assert "Report only: exit 0 whatever was found." in words(msgspec.structs.replace(BLOCKED, exit=Exit.OPEN))


@pytest.mark.parametrize(
    ("verdict", "code", "tone"),
    [
        (Verdict.OPEN, 0, "good"),
        (Verdict.BLOCKED, 1, "bad"),
        (Verdict.BLOCKED, 0, "bad"),
        (Verdict.UNDECIDED, 4, "unsure"),
        (None, 0, "good"),
        (None, 1, "bad"),
        (None, 4, "unsure"),
        (None, 70, "unsure"),
    ],
)
def test_the_colour_is_the_verdicts(verdict, code, tone):
    report = Report(version="1", verdict=verdict, exit=Exit(code), runs=(run(PASSED),))
    assert f'<header class="verdict {tone}">' in render(report)


def test_it_refers_to_nothing_outside_and_brings_no_script():
    page = Page(render(hostile(FULL)))
    assert not {"script", "link", "img", "iframe", "form", "input", "object", "base"} & set(page.tags)
    for tag, name, value in page.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name not in {"src", "style", "srcset", "action"}, (tag, name)
        if name == "href":
            assert value.startswith("#")
    assert re.search(
        r"content=\"default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'none'\"", render(FULL)
    )
    assert "http" not in render(CALM).replace("http-equiv", "")


@given(REPORTS)
def test_whatever_the_report_holds_the_page_is_whole_and_nothing_acts(report):
    text = render(report)
    page = Page(text)
    assert all(sign == "\n" or sign.isprintable() for sign in text)
    assert page.tags.count("script") == 0
    counted = ", ".join(f"{count} {outcome}" for outcome, count in report.counts.items())
    assert " ".join(page.text.split()).endswith(counted)


def test_many_runs_and_comparisons_are_bounded_and_counted():
    layers = tuple(Comparison(of=f"tensor:m#{n}", agreement=Agreement.BITWISE, excess=0.0) for n in range(5000))
    smoke = msgspec.structs.replace(SMOKE, comparisons=layers)
    runs = (run(PASSED, reproductions=[smoke]), *(run(PASSED, manifest=f"runs/{n}.run.yaml") for n in range(999)))
    report = Report(**BASE, verdict=Verdict.OPEN, runs=runs)
    assert f"and {5000 - MOST_ROWS} more, none of them worse" in words(report)
    assert "999 more runs are listed above" in words(report)
    assert "runs/998.run.yaml" in words(report)
    assert len(render(report)) < 1_000_000


@pytest.mark.parametrize(
    ("agreement", "excess", "name"),
    [
        (Agreement.BITWISE, 0.0, "h0"),
        (Agreement.WITHIN_TOLERANCE, 0.0, "h0"),
        (Agreement.WITHIN_TOLERANCE, 1e-7, "h1"),
        (Agreement.WITHIN_TOLERANCE, 1e-4, "h2"),
        (Agreement.WITHIN_TOLERANCE, 0.05, "h3"),
        (Agreement.WITHIN_TOLERANCE, 1.0, "h4"),
        (Agreement.DIVERGED, 1.1, "h5"),
        (Agreement.DIVERGED, 1e9, "h6"),
        (Agreement.DIVERGED, float("inf"), "h6"),
        (Agreement.DIVERGED, None, "h7"),
        (Agreement.DIVERGED, float("nan"), "h7"),
        (Agreement.REFUSED, None, "hx"),
        (Agreement.NOT_EXERCISED, None, "hx"),
    ],
)
def test_the_heat_of_a_tensor_is_the_decade_of_its_excess(agreement, excess, name):
    assert drawing.heat_class(Comparison(of="tensor:a#b", agreement=agreement, excess=excess)) == name


def test_a_heat_strip_has_a_cell_for_each_tensor_until_they_share_the_worst():
    tensors = drawing.tensors(DIVERGED.comparisons)
    cells = re.findall(r'<rect class="(h.)".*?<title>(.*?)</title>', drawing.heat(tensors))
    assert len(cells) == len(tensors) == 28
    assert cells[-1] == ("h6", "out/model.safetensors#block.13.bias: diverged, 12.6 times the tolerance")
    many = [*tensors, *[tensors[0]] * (drawing.MOST_CELLS * 3)]
    cells = re.findall(r'<rect class="(h.)".*?<title>(.*?)</title>', drawing.heat(many))
    assert len(cells) <= drawing.MOST_CELLS
    assert "(the worst of 4)" in cells[0][1]
    assert "h6" in dict(cells)


@pytest.mark.parametrize(
    ("claimed", "actual", "absolute", "mark"),
    [
        (0.5, 0.5, 0.1, 'cx="50.00%"'),
        (0.6, 0.5, 0.1, 'cx="75.00%"'),
        (0.4, 0.5, 0.1, 'cx="25.00%"'),
        (0.9, 0.5, 0.1, '<svg x="100%"'),
        (0.1, 0.5, 0.1, '<svg x="0"'),
        (0.5, 0.5, 0.0, 'cx="50.00%"'),
        (0.6, 0.5, 0.0, '<svg x="100%"'),
        (1, 1, 0.0, 'cx="50.00%"'),
    ],
)
def test_the_claim_is_drawn_in_tolerances_from_what_came_out(claimed, actual, absolute, mark):
    comparison = Comparison(
        of="metric:a",
        agreement=Agreement.WITHIN_TOLERANCE,
        expected=claimed,
        actual=actual,
        tolerance=Tolerance(absolute=absolute),
    )
    (shown,) = drawing.intervals([comparison])
    assert mark in drawing.interval(shown)


def test_only_numbers_with_a_tolerance_are_drawn():
    odd = [
        Comparison(of="metric:a", agreement=Agreement.BITWISE, expected=value, actual=value, tolerance=Tolerance())
        for value in (None, True, "0.5", float("nan"), float("inf"), 10**400, [1.0])
    ]
    bare = Comparison(of="metric:a", agreement=Agreement.BITWISE, expected=1.0, actual=1.0)
    assert drawing.intervals([*odd, bare]) == []


def test_a_minor_finding_does_not_block_until_it_counts():
    minor = msgspec.structs.replace(LEAK, severity=Severity.MINOR)
    report = Report(**BASE, verdict=Verdict.OPEN, runs=(run(PASSED, minor),))
    assert "1 finding does not block" in words(report)
    assert "1 check blocks" in words(msgspec.structs.replace(report, block_at=Severity.MINOR))


def test_the_registry_renders_it():
    assert RENDERERS["html"](CALM, color=True, width=10) == render(CALM)
    assert Outcome.CRASHED in words(BLOCKED)


@pytest.fixture(scope="module")
def browser():
    """Chromium, the system's where there is one, else playwright's own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET.split())
        yield browser
        browser.close()


@pytest.fixture
def look(browser, tmp_path):
    """Open a report in a window of this width, off the network; what it asked for and complained of is kept."""
    contexts = []

    def opened(report, width, scheme="light"):
        path = tmp_path / "report.html"
        path.write_text(render(report), encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True)
        contexts.append(context)
        page = context.new_page()
        page.complaints, page.requests = [], []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1600])
def test_in_a_browser_it_fits_asks_for_nothing_and_complains_of_nothing(look, width, scheme):
    page = look(hostile(FULL, MARKUP + "x" * 400), width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("document.body.scrollWidth") <= width
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith("file:")] == []
    assert len(page.requests) == 1
    assert page.title() == "blocked · auditor"
    assert page.locator("img, script").count() == 0


CONTRAST = """() => {
  const linear = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const rgba = text => text.match(/[\\d.]+/g).map(Number);
  const behind = node => { for (; node; node = node.parentElement) {
    const colour = rgba(getComputedStyle(node).backgroundColor); if (colour.length < 4 || colour[3] > 0) return colour; }
    return [255, 255, 255]; };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), weak = [];
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || node.closest('svg') || !node.checkVisibility()) continue;
    const [a, b] = [light(rgba(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) weak.push([walk.currentNode.data, (a + 0.05) / (b + 0.05)]);
  }
  return weak;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_the_contrast_of_wcag_aa(look, scheme):
    page = look(msgspec.structs.replace(FULL, advisory=True), 1600, scheme)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate(CONTRAST) == []
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
    assert dark == (scheme == "dark")


def test_the_keyboard_reaches_every_link_and_fold(look):
    page = look(FULL, 1600)
    seen = []
    for _ in range(page.locator("a, summary").count()):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.tagName"))
    assert seen[0] == "A", "to skip to the findings"
    assert set(seen) == {"A", "SUMMARY"}
    fold = page.locator("summary").last
    fold.focus()
    page.keyboard.press("Enter")
    assert fold.evaluate("one => one.parentElement.open")


def test_on_paper_what_was_folded_is_printed(look):
    page = look(FULL, 1600, "dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.get_by_text("data/passed-30").first.is_visible()
