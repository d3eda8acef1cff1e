"""The JUnit report is valid by the schema that pytest holds its own against, and red exactly where the verdict is."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec
import pytest
import xmlschema
from hypothesis import given
from reports import BASE, BLOCKED, CALM, CRASHED, DIGEST, FULL, IDLE, LEAK, PASSED, PICKLE, REPORTS, UNEXERCISED, run

from auditor.model.finding import Finding
from auditor.model.report import Report
from auditor.model.words import Exit, Outcome, Severity, Verdict
from auditor.render import RENDERERS
from auditor.render.junit import render

SCHEMA = xmlschema.XMLSchema(Path(__file__).resolve().parent / "fixtures" / "junit-10.xsd")


def tree(report):
    text = render(report)
    SCHEMA.validate(text)
    return ET.fromstring(text)  # noqa: S314  (our own)


def cases(report):
    """By check, the answer and its type; None for a case that passed."""
    found = {}
    for case in tree(report).iter("testcase"):
        answers = [(one.tag, one.get("type")) for one in case if one.tag != "system-out"]
        assert len(answers) <= 1
        found[case.get("name")] = answers[0] if answers else None
    return found


def test_a_case_for_every_check_of_every_run():
    assert cases(BLOCKED) == {
        "governance/loosened-policy": ("failure", "major"),
        "schema/junk": None,
        "data/undigested-dataset": ("failure", "blocker"),
        "security/unsafe-format": ("skipped", "waived"),
        "reproduction/unexercised-run": ("error", "inconclusive"),
        "lineage/lost-parent": ("skipped", "not-applicable"),
        "metrics/wrong-metric": ("error", "crashed"),
    }
    root = tree(BLOCKED)
    assert [suite.get("name") for suite in root] == ["no single run", "runs/a.run.yaml", "verdict"]
    assert {case.get("classname") for case in root[1].iter("testcase")} == {"runs/a.run.yaml"}
    assert {key: root.get(key) for key in ("tests", "failures", "errors")} == {"tests": "7", "failures": "2", "errors": "2"}
    assert root[1].get("skipped") == "2"
    (failure,) = root[1].iter("failure")
    assert failure.get("message") == "the digest of 'train' is not that of data/train.csv"
    assert failure.text.splitlines() == [
        "runs/a.run.yaml:12: the digest of 'train' is not that of data/train.csv",
        "  fix: record the run again",
    ]


@pytest.mark.parametrize("seen", [LEAK, UNEXERCISED, CRASHED])
def test_what_weighs_too_little_is_skipped_and_says_so(seen):
    light = msgspec.structs.replace(seen, severity=Severity.MINOR)
    report = Report(**BASE, verdict=Verdict.OPEN, runs=(run(light),))
    assert cases(report) == {seen.check: ("skipped", str(seen.outcome))}
    (skipped,) = tree(report).iter("skipped")
    assert f"{seen.outcome}, but minor does not count here (block-at major): " in skipped.get("message")
    strict = msgspec.structs.replace(report, block_at=Severity.MINOR, verdict=Verdict.BLOCKED, exit=Exit.BLOCKED)
    assert cases(strict)[seen.check][0] in {"failure", "error"}


@pytest.mark.parametrize("code", [Exit.EMPTY_SELECTION, Exit.UNDECIDED, Exit.USAGE, Exit.BLOCKED])
def test_no_red_exit_is_all_green(code):
    report = Report(**BASE, verdict=Verdict.UNDECIDED, exit=code, notes=("there is no base",), runs=(run(PASSED, PICKLE),))
    (answer,) = [answer for name, answer in cases(report).items() if name == "merge"]
    assert answer == ("failure" if code is Exit.BLOCKED else "error", "verdict")
    assert "merge" not in cases(BLOCKED), "where something is red already, no case is made up"
    assert "merge" not in cases(CALM)


def test_the_last_suite_says_the_verdict_and_counts_every_outcome():
    last = tree(BLOCKED)[-1]
    facts = {one.get("name"): one.get("value") for one in last.iter("property")}
    assert facts | {"verdict": "blocked", "exit": "1", "failed": "3", "crashed": "1", "auditor": "0.1.0"} == facts
    (said,) = last.iter("system-out")
    assert said.text.endswith("blocked: 1 passed, 3 failed, 1 inconclusive, 1 not-applicable, 1 crashed")
    idle = Report(**BASE, verdict=Verdict.OPEN, runs=(run(IDLE),))
    assert "nothing was judged" in render(idle)
    assert "nothing was judged" not in render(CALM)


def test_reproductions_stand_in_their_runs_output():
    suite = tree(FULL)[1]
    said = suite.find("system-out").text
    assert said.startswith(
        "reproduction smoke: diverged (10 bitwise, 17 within-tolerance, 4 diverged; isolation bwrap; 18.4 s"
    )
    assert {p.get("name"): p.get("value") for p in suite.iter("property")} == {"digest": DIGEST}


def test_characters_that_xml_does_not_have_are_spelt_out():
    finding = Finding(message="\0\x1b[31m\ufffe\udcff]]></failure><x a='", fix='"&<', file="\x08", line=1)
    (failure,) = tree(Report(**BASE, runs=(run(msgspec.structs.replace(LEAK, findings=(finding,))),))).iter("failure")
    assert failure.get("message") == r"\x00\x1b[31m\ufffe\xff]]></failure><x a='"
    assert failure.text == "\\x08:1: \\x00\\x1b[31m\\ufffe\\xff]]></failure><x a='\n  fix: \"&<"


@given(REPORTS)
def test_whatever_the_report_holds_it_is_valid_and_complete(report):
    root = tree(report)
    listed = [*report.results, *(found for audited in report.runs for found in audited.results)]
    made_up = [case for case in root.iter("testcase") if case.get("classname") == "verdict"]
    assert len(list(root.iter("testcase"))) == len(listed) + len(made_up)
    red = [case for case in root.iter("testcase") if case.find("failure") is not None or case.find("error") is not None]
    unknown = {Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.CRASHED}
    heavy = [r for r in listed if r.outcome in unknown and not r.waived and r.severity >= report.block_at]
    assert len(red) == len(heavy) + len(made_up)
    assert bool(made_up) == (report.exit is not Exit.OPEN and not heavy)


def test_the_registry_renders_it():
    assert RENDERERS["junit"](CALM, color=True, width=10) == render(CALM)
