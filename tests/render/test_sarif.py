"""The SARIF report is valid by the schema of SARIF 2.1.0, places every finding, and confuses no outcome with another."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

import jsonschema
import msgspec
import pytest
from hypothesis import given
from reports import BASE, BLOCKED, CALM, CRASHED, FULL, IDLE, LEAK, PASSED, REPORTS, UNEXERCISED, result, run

from auditor.catalogue.check import catalogue
from auditor.model.finding import Finding
from auditor.model.report import Report
from auditor.model.words import Exit, Outcome, Severity, Verdict
from auditor.render import RENDERERS
from auditor.render import sarif as sarif_module
from auditor.render.sarif import render

FIXTURE = Path(__file__).resolve().parent / "fixtures" / "sarif-2.1.0.json"
SCHEMA = jsonschema.Draft202012Validator(json.loads(FIXTURE.read_text(encoding="utf-8")))


def sarif(report, **options):
    text = render(report, **options)
    assert text.isascii()
    log = json.loads(text)
    errors = [f"{error.json_path}: {error.message}" for error in SCHEMA.iter_errors(log)]
    assert not errors, errors
    (found,) = log["runs"]
    return found


def places(found):
    physical = [one["locations"][0]["physicalLocation"] for one in found["results"]]
    return [(place["artifactLocation"]["uri"], place["region"]["startLine"]) for place in physical]


def test_each_finding_is_a_result_with_rule_level_and_place():
    found = sarif(BLOCKED)
    rules = found["tool"]["driver"]["rules"]
    shown = [(one["ruleId"], one["kind"], one["level"], bool(one.get("suppressions"))) for one in found["results"]]
    assert shown == [
        ("data/undigested-dataset", "fail", "error", False),
        ("governance/loosened-policy", "fail", "error", False),
        ("security/unsafe-format", "fail", "error", True),
        ("reproduction/unexercised-run", "open", "none", False),
    ]
    assert places(found) == [("runs/a.run.yaml", 12), ("auditor.yaml", 1), ("runs/a.run.yaml", 30), ("runs/a.run.yaml", 1)]
    assert [rules[one["ruleIndex"]]["id"] for one in found["results"]] == [one["ruleId"] for one in found["results"]]
    assert found["results"][0]["message"]["text"].endswith(" Fix: record the run again")


def test_rules_come_from_the_catalogue_and_unknown_ones_are_rules_too():
    rules = {rule["id"]: rule for rule in sarif(BLOCKED)["tool"]["driver"]["rules"]}
    assert set(rules) == {found.check for found in (*BLOCKED.results, *BLOCKED.runs[0].results)}
    known = rules["data/undigested-dataset"]
    assert known["shortDescription"]["text"] == catalogue()["data/undigested-dataset"].rule.summary
    assert "## How to fix" in known["help"]["markdown"]
    assert known["name"] == "UndigestedDataset"
    assert rules["schema/junk"]["help"]["text"]
    assert "## How to fix" not in json.dumps(sarif(BLOCKED, rules={}))


@pytest.mark.parametrize(
    ("severity", "level"), [("blocker", "error"), ("major", "error"), ("minor", "warning"), ("info", "note")]
)
def test_the_level_is_the_severitys(severity, level):
    failed = msgspec.structs.replace(LEAK, severity=Severity(severity))
    found = sarif(Report(**BASE, runs=(run(failed),)))
    assert found["results"][0]["level"] == level
    assert found["tool"]["driver"]["rules"][0]["defaultConfiguration"]["level"] == level


def test_a_crash_is_the_tools_and_no_result():
    (invocation,) = sarif(BLOCKED)["invocations"]
    assert invocation["executionSuccessful"] is False
    assert (invocation["exitCode"], invocation["exitCodeDescription"]) == (1, "blocked")
    crash = invocation["toolExecutionNotifications"][0]
    assert crash["level"] == "error"
    assert crash["message"]["text"].startswith(f"{CRASHED.check} crashed on runs/a.run.yaml: ")
    assert sarif(FULL)["invocations"][0]["executionSuccessful"] is True


@pytest.mark.parametrize("code", Exit)
def test_every_exit_code_has_words(code):
    (invocation,) = sarif(Report(version="1", exit=code))["invocations"]
    assert invocation["exitCode"] == code
    assert invocation["exitCodeDescription"]


def test_what_passed_or_does_not_apply_is_only_counted():
    found = sarif(Report(**BASE, verdict=Verdict.OPEN, runs=(run(PASSED, IDLE),)))
    assert found["results"] == []
    assert found["properties"]["counts"] == {
        "passed": 1, "failed": 0, "inconclusive": 0, "not-applicable": 1, "crashed": 0
    }  # fmt: skip
    assert found["properties"]["verdict"] == "open"


def test_a_finding_keeps_its_fingerprint_when_lines_and_values_move_and_two_never_share_one():
    def prints(*findings):
        found = sarif(Report(**BASE, runs=(run(msgspec.structs.replace(LEAK, findings=findings)),)))
        return [one["partialFingerprints"]["primaryLocationLineHash"] for one in found["results"]]

    here, there = Finding(message="0.97", fix="f", pointer="/metrics/0", line=3), Finding(message="x", fix="f", pointer="/a")
    moved = Finding(message="0.98", fix="g", pointer="/metrics/0", line=7)
    assert prints(here) == prints(moved) == prints(there, here)[1:]
    assert len(set(prints(here, here, there))) == 3
    assert all(re.fullmatch(r"[0-9a-f]{32}:[0-9]+", one) for one in prints(here, here, there))


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("runs/a b#?%.yaml", "runs/a%20b%23%3F%25.yaml"),
        ("http://evil.example/x", "http%3A/evil.example/x"),
        ("//evil.example/x", "evil.example/x"),
        ("a\\b", "a%5Cb"),
        ("\udcff", "%FF"),
        ("\ud800", "%EF%BF%BD"),
        ("/", "."),
        ("é", "%C3%A9"),
    ],
)
def test_a_path_becomes_a_relative_uri_and_nothing_else(file, uri):
    leak = msgspec.structs.replace(LEAK, findings=(Finding(message="m", fix="f", file=file, line=2),))
    assert places(sarif(Report(**BASE, runs=(run(leak),)))) == [(uri, 2)]
    if file.isprintable() and ":" not in file and not file.startswith("/"):
        assert unquote_to_bytes(uri).decode() == file


def test_text_of_a_run_is_no_link_in_a_message():
    leak = msgspec.structs.replace(LEAK, findings=(Finding(message="[x](http://evil.example)", fix="a[0]"),))
    (one,) = sarif(Report(**BASE, runs=(run(leak),)))["results"]
    assert one["message"]["text"] == r"\[x\](http://evil.example) Fix: a[0]"


def test_more_results_than_code_scanning_takes_are_counted(monkeypatch):
    assert sarif_module.MOST_RESULTS == 25_000
    monkeypatch.setattr(sarif_module, "MOST_RESULTS", 500)
    many = msgspec.structs.replace(LEAK, findings=tuple(Finding(message="m", fix="f") for _ in range(100)))
    light = msgspec.structs.replace(many, severity=Severity.INFO)
    report = Report(**BASE, runs=(run(*[light] * 10), *[run(many)] * 5))
    log = json.loads(render(report))["runs"][0]
    assert len(log["results"]) == 500
    assert {one["level"] for one in log["results"]} == {"error"}, "the lightest are left out"
    assert log["invocations"][0]["toolExecutionNotifications"][-1]["message"]["text"].startswith("1000 more results")


@given(REPORTS)
def test_whatever_the_report_holds_it_is_valid(report):
    found = sarif(report, rules={})
    listed = [*report.results, *(one for audited in report.runs for one in audited.results)]
    failed = [one for one in listed if one.outcome is Outcome.FAILED]
    assert len([one for one in found["results"] if one["kind"] == "fail"]) == sum(
        max(1, len(one.findings)) for one in failed
    )
    undecided = {one.check for one in listed if one.outcome is Outcome.INCONCLUSIVE}
    assert {one["ruleId"] for one in found["results"] if one["kind"] == "open"} == undecided


def test_the_registry_renders_it():
    assert RENDERERS["sarif"](CALM, color=True, width=10) == render(CALM)
    assert UNEXERCISED.reason in render(BLOCKED)
    assert result(Outcome.FAILED).check in render(Report(**BASE, runs=(run(result(Outcome.FAILED)),)))
