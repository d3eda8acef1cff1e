"""The site opens from disk in a real browser, shows and filters everything, and asks for nothing outside its folder."""

from __future__ import annotations

import re
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from auditor.errors import EmptySelectionError, UsageError
from auditor.history.examine import Graded
from auditor.history.facts import Facts
from auditor.history.found import Version
from auditor.history.record import Record
from auditor.history.site import build, page_of
from auditor.model.comparison import Comparison, ReproductionResult, Tolerance
from auditor.model.finding import Finding, Result
from auditor.model.report import RunReport
from auditor.model.words import Agreement, Outcome, Severity, Tier, Verdict

QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
QUIET += " --disable-component-update --disable-sync"
MARKUP = "</script><script>document.title='owned'</script><img src=http://evil.example/x onerror=\"document.title='owned'\">"
FINE = (Result(check="data/changed-dataset", outcome=Outcome.PASSED, severity=Severity.BLOCKER),)


def graded(number, verdict=Verdict.OPEN, *, name=None, then=None, **facts):
    said = f"data/{number % 7}.csv is not what it was"
    results = FINE
    if verdict is not Verdict.OPEN:
        finding = Finding(message=facts.pop("message", said), fix="bring it back", pointer="/data/0/digest")
        results = (
            Result(check="data/changed-dataset", outcome=Outcome.FAILED, severity=Severity.BLOCKER, findings=(finding,)),
        )
    digest = f"sha256:{(number * 2654435761) % 2**60:015x}{number:049x}"
    about = Facts(
        started=f"20{20 + number % 6}-0{1 + number % 9}-01T00:00:00Z",
        framework=("torch", "scikit-learn", "jax")[number % 3],
        executor="x86-64-v3",
        metrics={"accuracy": 0.9},
        settings=(("/lr", "0.1", "conf/base.yaml"),),
        **facts,
    )
    manifest = f"runs/{number:06}.run.yaml"
    report = RunReport(
        manifest=manifest, digest=digest, identity="canonical", id=name or f"run-{number:06}", results=results
    )
    version = Version(store="git", path=manifest, mark=f"{number:040x}")
    return Graded(
        version=version, state="read", report=report, then=then or verdict, today=verdict, then_policy="", facts=about
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site of 300 runs over two audits, with markup for a name, a parent, and a run that was executed again."""
    root = tmp_path_factory.mktemp("site")
    with Record(root / "record") as record:
        first = [graded(number) for number in range(300)]
        audit = record.begin(head=None, policy="p", tool="1", asked="{}")
        record.append(audit, first)
        audit = record.begin(head=None, policy="p", tool="1", asked="{}")
        parent = first[0].report.digest
        record.append(audit, [graded(number, Verdict.BLOCKED) for number in range(0, 300, 10)])
        record.append(
            audit, [graded(301, Verdict.BLOCKED, name=MARKUP, then=Verdict.OPEN, message=MARKUP, parents=(parent,))]
        )
        compared = Comparison(
            of="metric:accuracy",
            agreement=Agreement.WITHIN_TOLERANCE,
            expected=0.9,
            actual=0.91,
            tolerance=Tolerance(absolute=0.02),
            excess=0.5,
        )
        for _ in range(2):
            smoke = ReproductionResult(
                name="smoke", tier=Tier.SMOKE, agreement=Agreement.WITHIN_TOLERANCE, comparisons=(compared,)
            )
            record.executed(audit, parent, "within-tolerance", (smoke,))
        assert build(record, root / "site") == 301
    return root / "site"


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET.split())
        yield browser
        browser.close()


@pytest.fixture
def look(browser):
    """Open a file of the site; what it asked for and complained of is kept."""
    contexts = []

    def opened(path, scheme="light", width=1280):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
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


def inside(page, site):
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith(site.as_uri())] == []


def test_it_renders_filters_sorts_and_pages(look, site):
    page = look(site / "index.html")
    rows = page.locator("#rows tr")
    assert rows.count() == 100
    assert page.locator("#count").inner_text().startswith("301 of 301 runs; page 1 of 4")
    assert rows.first.locator(".badge").first.inner_text() == "blocked", "the worst first"
    page.fill("#text", "run-000010")
    expect(page.locator("#rows tr")).to_have_count(1)
    page.fill("#text", "")
    expect(page.locator("#rows tr")).to_have_count(100)
    page.select_option("#today", "2")
    assert "31 of 301" in page.locator("#count").inner_text()
    page.check("#changed")
    assert "1 of 301" in page.locator("#count").inner_text()
    page.uncheck("#changed")
    page.select_option("#today", "")
    page.click("th[data-column='0'] button")
    assert page.locator("th[data-column='0']").get_attribute("aria-sort") == "ascending"
    page.fill("#text", "run-")
    expect(page.locator("#count")).to_have_text(re.compile("^300"))
    assert rows.first.inner_text().startswith("run-000000")
    page.click("#next")
    assert rows.first.inner_text().startswith("run-000100")
    assert page.locator("svg.chart").count() == 2
    inside(page, site)


def test_markup_in_names_stays_text_on_every_page(look, site):
    page = look(site / "index.html")
    page.fill("#text", "owned")
    expect(page.locator("#rows tr")).to_have_count(1)
    assert "<img src=http://evil.example/x" in page.locator("#rows tr").inner_text()
    page.click("#rows a")
    page.wait_for_selector("h1")
    assert "</script>" in page.locator("h1").inner_text()
    assert page.locator("img, script").count() == 0
    assert "owned" not in page.evaluate("document.title === 'owned' ? 'owned' : ''")
    assert page.locator("text=Built on").count() == 1
    inside(page, site)


def test_a_run_has_findings_verdicts_lineage_comparisons_and_configuration(look, site):
    name = page_of(graded(0).report.digest)
    page = look(site / "runs" / name[:2] / f"{name}.html")
    said = page.locator("main").inner_text()
    for part in (
        "data/0.csv is not what it was",
        "bring it back",
        "metric:accuracy",
        "0.91",
        "What was built on it",
        "/lr",
        "conf/base.yaml",
        "x86-64-v3",
    ):
        assert part in said, part
    assert page.locator("svg.drift").count() == 1
    verdicts = [
        text.split()[-2:] for text in page.locator("section", has_text="Verdicts").last.locator("tbody tr").all_inner_texts()
    ]
    assert len(verdicts) >= 2
    inside(page, site)


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
    if (!walk.currentNode.data.trim() || node.closest('svg, option') || !node.checkVisibility() || node.disabled) continue;
    const [a, b] = [light(rgba(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) weak.push([walk.currentNode.data, (a + 0.05) / (b + 0.05)]);
  }
  return weak;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_narrow_windows_and_paper(look, site, scheme):
    page = look(site / "index.html", scheme, width=360)
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator(".controls").is_visible()
    inside(page, site)


def test_the_keyboard_reaches_the_table_and_its_controls(look, site):
    page = look(site / "index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert reached[:3] == ["text", "today", "changed"]
    assert "BUTTON" in reached
    assert "A" in reached
    page.focus("th[data-column='5'] button")
    page.keyboard.press("Enter")
    assert page.locator("th[data-column='5']").get_attribute("aria-sort") == "ascending"


def test_every_page_forbids_what_it_does_not_need(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) == 302
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "default-src &#39;none&#39;; script-src &#39;self&#39;; style-src &#39;self&#39;" in text
        assert not re.search(r"""(?:src|href)="(?:https?:)?//""", text)
        assert " style=" not in text
        assert " onclick=" not in text


def test_it_replaces_only_a_site_of_its_own(tmp_path):
    with Record(tmp_path / "record") as record:
        with pytest.raises(EmptySelectionError):
            build(record, tmp_path / "site")
        record.append(record.begin(head=None, policy="p", tool="1", asked=""), [graded(1)])
        build(record, tmp_path / "site")
        build(record, tmp_path / "site")
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "thesis.txt").write_text("years of work")
        with pytest.raises(UsageError, match="something else"):
            build(record, tmp_path / "mine")


def test_the_command_says_where_it_is(repository):
    from past import build as past  # noqa: PLC0415

    past(repository, 2)
    repository.auditor("history", "report", "--output", "site").expect(3)
    repository.auditor("history", "audit").expect(0)
    assert "2 runs: open site/index.html" in repository.auditor("history", "report", "--output", "site").expect(0).stdout
