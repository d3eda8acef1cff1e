"""The console report is calm when all is well, and silent about nothing."""

from __future__ import annotations

import re
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reports import (
    BASE,
    BLOCKED,
    CALM,
    CRASHED,
    IDLE,
    LEAK,
    PASSED,
    PICKLE,
    POLICY,
    REPORTS,
    SMOKE,
    UNEXERCISED,
    result,
    run,
)
from rich.cells import cell_len

from auditor.model.comparison import Comparison
from auditor.model.finding import Finding
from auditor.model.report import PolicyUsed, Report
from auditor.model.words import Agreement, Exit, Isolation, Outcome, Severity, Tier, Verdict
from auditor.render import RENDERERS
from auditor.render.console import render

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def lines(report, **options):
    return render(report, **options).splitlines()


def open_with(*runs, **more):
    return Report(**BASE, verdict=Verdict.OPEN, runs=runs, **more)


def test_when_all_is_well_a_run_is_one_line():
    shown = lines(CALM)
    assert shown[:3] == [
        "gate merge   head aaaaaaaaaaaa   base bbbbbbbbbbbb",
        "open      runs/a.run.yaml  2 passed",
        "open      runs/b.run.yaml  1 passed",
    ]
    assert len(shown) == 7
    assert shown[-1] == "open: 3 passed, 0 failed, 0 inconclusive, 0 not-applicable, 0 crashed"


def test_a_blocked_report():
    assert render(BLOCKED).splitlines() == [
        "gate merge   head aaaaaaaaaaaa   base bbbbbbbbbbbb",
        "",
        "failed    runs/a.run.yaml  1 passed, 2 failed, 1 inconclusive, 1 not-applicable,",
        "          1 crashed",
        "  BLOCKER data/undigested-dataset  runs/a.run.yaml:12",
        "    the digest of 'train' is not that of data/train.csv",
        "    fix: record the run again",
        "  MAJOR   security/unsafe-format  runs/a.run.yaml:30  waived",
        "    out/model.pkl is a pickle",
        "  reproduction smoke: within-tolerance  (1 bitwise, 2 within-tolerance;",
        "    isolation bwrap; 1.2 s)",
        "    worst: metric:loss within-tolerance; expected 0.1, got 0.1000001; 0.875",
        "           times the tolerance",
        "",
        "about the change",
        "  MAJOR   governance/loosened-policy",
        "    wider",
        "    fix: propose it",
        "",
        "what this can show",
        "  smoke: catches code, data or environment that no longer run as recorded, dead",
        "    seeds, and results that are not computed; cannot see what the scaled-down",
        "    run leaves out: where it is smaller than the run, later training may have",
        "    gone another way",
        "",
        "not checked",
        "  inconclusive major  reproduction/unexercised-run  runs/a.run.yaml",
        "    there is no sandbox on this machine",
        "  crashed major  metrics/wrong-metric  runs/a.run.yaml",
        "    a fault in the check: ZeroDivisionError",
        "  1 not applicable: the question does not arise",
        "",
        "policy base  origin/main  sha256:9f86d081884c  open",
        "",
        "advisory: nothing trusted stands behind this verdict",
        "note: 2 metrics were not compared: train_seconds",
        "",
        "1 of the failed is waived",
        "blocked: 1 passed, 3 failed, 1 inconclusive, 1 not-applicable, 1 crashed",
    ]


def test_the_heaviest_comes_first_and_the_waived_last():
    info = result(Outcome.FAILED, "a/info", Severity.INFO)
    shown = render(msgspec.structs.replace(BLOCKED, runs=(run(info, PICKLE, LEAK),)))
    places = [shown.index(check) for check in ("data/undigested-dataset", "a/info", "security/unsafe-format")]
    assert places == sorted(places)


@pytest.mark.parametrize("runs", [(), (run(),), (run(IDLE),)])
def test_nothing_selected_never_looks_like_success(runs):
    shown = lines(open_with(*runs), color=True)
    assert "nothing was judged: no check found anything to look at" in ANSI.sub("", "\n".join(shown))
    assert ANSI.sub("", shown[-1]).startswith("open, unchecked: 0 passed, 0 failed")
    assert "\x1b[1;33m" in shown[-1], "yellow"
    assert not any("32m" in line for line in shown), "nothing is green"
    if runs:
        assert any(line.startswith("unchecked ") for line in lines(open_with(*runs)))


def test_an_empty_selection_of_a_command_that_does_not_gate():
    assert lines(Report(version="1", exit=Exit.EMPTY_SELECTION))[-1].startswith("exit 3: 0 passed")


@given(REPORTS)
def test_the_last_line_has_the_verdict_and_every_count(report):
    last = lines(report)[-1]
    assert last.startswith(report.verdict)
    assert last.endswith(": " + ", ".join(f"{count} {outcome}" for outcome, count in report.counts.items()))


@given(REPORTS, st.sampled_from([40, 80, 132]))
def test_whatever_the_report_holds_lines_fit_and_nothing_acts(report, width):
    text = render(report, width=width)
    assert all(sign == "\n" or sign.isprintable() for sign in text)
    assert "##[" not in text
    *body, _last = text.split("\n")
    assert not any(line.lstrip().startswith("::") for line in body)
    assert max(map(cell_len, body), default=0) <= width + 1, "one more where a line had to be disarmed"


@given(REPORTS)
def test_colour_adds_nothing_but_colour(report):
    coloured = render(report, color=True)
    assert "\x1b" not in ANSI.sub("", coloured)
    plain = [line.rstrip() for line in ANSI.sub("", coloured).split("\n")]
    assert [line.replace("\\::", "::") for line in plain] == [
        line.replace("\\::", "::") for line in render(report).split("\n")
    ]


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "NO_COLOR", "COLUMNS", "TTY_COMPATIBLE"])
def test_the_environment_stays_out_of_it(monkeypatch, variable):
    plain, coloured = render(BLOCKED), render(BLOCKED, color=True)
    monkeypatch.setenv(variable, "20")
    assert (render(BLOCKED), render(BLOCKED, color=True)) == (plain, coloured)
    assert "\x1b" not in plain
    assert "\x1b[1;31m" in coloured


def test_markup_of_a_run_is_text():
    finding = Finding(message="[bold]x[/bold] :smile: [link=http://e]y[/link]", fix="[/] [red]", file="a[b].yaml", line=1)
    shown = render(open_with(run(msgspec.structs.replace(LEAK, findings=(finding,)))))
    assert "[bold]x[/bold] :smile: [link=http://e]y[/link]" in shown
    assert "fix: [/] [red]" in shown
    assert "a[b].yaml:1" in shown


def test_a_newline_in_a_name_is_seen_and_adds_no_line():
    shown = lines(open_with(run(PASSED, manifest="runs/a\nopen: 9 passed.run.yaml")))
    assert shown[1] == r"open      runs/a\nopen: 9 passed.run.yaml  1 passed"


def test_a_manifest_that_cannot_be_read_says_so():
    assert "runs/a.run.yaml (unreadable)" in render(open_with(run(LEAK, run_id=None)))


@pytest.mark.parametrize(
    ("results", "word"),
    [
        ((PASSED,), "passed"),
        ((PASSED, LEAK), "failed"),
        ((PASSED, CRASHED), "undecided"),
        ((PICKLE, UNEXERCISED), "undecided"),
        ((PICKLE,), "passed"),
    ],
)
def test_the_word_of_a_run_when_the_gate_is_not_open(results, word):
    report = Report(**BASE, verdict=Verdict.BLOCKED, exit=Exit.BLOCKED, runs=(run(*results),))
    assert any(line.startswith(f"{word:<10}runs/a.run.yaml") for line in lines(report))


def test_many_findings_of_one_check_are_counted():
    findings = tuple(Finding(message=f"row {i}", fix="x") for i in range(25))
    shown = render(open_with(run(msgspec.structs.replace(LEAK, findings=findings))))
    assert "row 9" in shown
    assert "row 10" not in shown
    assert "and 15 more findings of data/undigested-dataset" in shown


def test_a_failure_without_a_finding_is_not_silent():
    assert "failed without a finding" in render(open_with(run(result(Outcome.FAILED))))


def test_a_reproduction_that_is_bitwise_is_one_line():
    bitwise = tuple(c for c in SMOKE.comparisons if c.agreement is Agreement.BITWISE)
    smoke = msgspec.structs.replace(SMOKE, agreement=Agreement.BITWISE, comparisons=bitwise)
    shown = render(open_with(run(PASSED, reproductions=[smoke])))
    assert "  reproduction smoke: bitwise  (1 bitwise; isolation bwrap; 1.2 s)" in shown
    assert "worst" not in shown


def test_the_worst_comparison_is_the_one_that_agrees_least():
    refused = Comparison(of="file:out/model.pkl", agreement=Agreement.REFUSED, note="unsafe to read")
    far = Comparison(of="metric:a", agreement=Agreement.DIVERGED, expected=1.0, actual=float("nan"), excess=9e9)
    smoke = msgspec.structs.replace(SMOKE, agreement=Agreement.REFUSED, comparisons=(far, refused))
    assert "worst: file:out/model.pkl refused; unsafe to read" in render(open_with(run(reproductions=[smoke])))
    smoke = msgspec.structs.replace(smoke, comparisons=(*SMOKE.comparisons, far))
    assert "worst: metric:a diverged; expected 1.0, got nan; 9e+09 times" in render(open_with(run(reproductions=[smoke])))


def test_a_tier_that_executed_nothing_does_not_speak_of_isolation():
    recompute = msgspec.structs.replace(SMOKE, tier=Tier.RECOMPUTE, isolation="none")
    assert "reproduction smoke (recompute): " in render(open_with(run(PASSED, reproductions=[recompute])))
    assert "isolation" not in render(open_with(run(PASSED, reproductions=[recompute])))


def test_a_reproduction_that_compared_nothing_says_so():
    smoke = msgspec.structs.replace(SMOKE, agreement=Agreement.NOT_EXERCISED, comparisons=(), note="no sandbox")
    shown = render(open_with(run(PASSED, reproductions=[smoke])))
    assert "not-exercised  (nothing compared" in shown
    assert "no sandbox" in shown


@pytest.mark.parametrize(
    ("reproductions", "why"),
    [
        ([], "nothing was re-executed"),
        ([msgspec.structs.replace(SMOKE, tier=Tier.RECOMPUTE, isolation=Isolation.NONE)], "nothing was re-executed"),
        ([msgspec.structs.replace(SMOKE, isolation=Isolation.NONE)], "not isolated"),
        ([SMOKE], "nothing trusted"),
    ],
)
def test_an_advisory_verdict_says_why(reproductions, why):
    shown = render(open_with(run(PASSED, reproductions=reproductions), advisory=True))
    assert f"advisory: {why}" in shown
    assert "advisory" not in render(open_with(run(PASSED, reproductions=reproductions)))


def test_report_only_never_hides_the_verdict():
    shown = lines(msgspec.structs.replace(BLOCKED, exit=Exit.OPEN))
    assert "report only: exit 0 whatever was found" in shown
    assert shown[-1].startswith("blocked: ")


def test_the_built_in_policy_is_named_once():
    built_in = PolicyUsed(role="built-in", digest=POLICY.digest, ref="built-in", verdict=None)
    assert "policy built-in  sha256:9f86d081884c" in lines(open_with(run(PASSED), policies=(built_in,)))


def test_the_registry_renders_it_and_imports_no_format_before_it_is_asked():
    assert RENDERERS["console"](BLOCKED, color=True, width=60) == render(BLOCKED, color=True, width=60)
    formats = ["console", "json", "markdown", "sarif", "junit", "html"]
    heavy = {"rich", "jinja2", "xml", "auditor.catalogue", *(f"auditor.render.{name}" for name in formats)}
    program = (
        f"import sys, auditor.render as r; assert list(r.RENDERERS) == {formats}; assert not {heavy} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
