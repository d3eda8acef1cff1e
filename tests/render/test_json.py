"""The JSON report is what the contract says, whatever the report holds."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from reports import BLOCKED, CALM, DIGEST, REPORTS, SMOKE, run

from auditor.manifest.validate import violations
from auditor.model.comparison import Comparison, ReproductionResult, Tolerance
from auditor.model.reach import REACH
from auditor.model.report import Report
from auditor.model.words import Agreement, Exit, Tier
from auditor.render import RENDERERS
from auditor.render.json import report_json


def parsed(report):
    def refuse(name):
        raise ValueError(name)

    return json.loads(report_json(report), parse_constant=refuse)


def test_every_key_of_the_contract_and_no_other():
    report = parsed(BLOCKED)
    assert list(report) == (
        "schema tool gate verdict exit advisory head base policies counts results runs notes".split()  # noqa: SIM905  (as written there)
    )
    assert report["schema"] == "auditor/report/v1"
    assert report["tool"] == {"version": "0.1.0"}
    assert (report["gate"], report["verdict"], report["exit"], report["advisory"]) == ("merge", "blocked", 1, True)
    assert report["policies"] == [{"role": "base", "digest": DIGEST, "ref": "origin/main", "verdict": "open"}]
    assert report["counts"] == {"passed": 1, "failed": 3, "inconclusive": 1, "not-applicable": 1, "crashed": 1}
    assert report["notes"] == ["2 metrics were not compared: train_seconds"]
    (audited,) = report["runs"]
    assert {key: audited[key] for key in ("manifest", "digest", "identity", "id")} == {
        "manifest": "runs/a.run.yaml", "digest": DIGEST, "identity": "canonical", "id": "a",
    }  # fmt: skip
    assert audited["results"][1] == {
        "check": "data/undigested-dataset", "outcome": "failed", "severity": "blocker", "evidence": "declared",
        "waived": False, "reason": None, "findings": [{
            "message": "the digest of 'train' is not that of data/train.csv", "pointer": "/data/0/digest",
            "file": "runs/a.run.yaml", "line": 12, "fix": "record the run again",
        }],
    }  # fmt: skip
    (smoke,) = audited["reproductions"]
    comparisons = smoke.pop("comparisons")
    assert smoke.pop("reach") == REACH[Tier.SMOKE]._asdict()
    assert smoke == {
        "name": "smoke", "tier": "smoke", "agreement": "within-tolerance", "isolation": "bwrap",
        "executor": "x86-64-v3/openblas/haswell/2", "calibrated": False, "seconds": 1.25,
        "note": None, "environment": "",
    }  # fmt: skip
    assert comparisons[0] == {
        "of": "metric:accuracy", "expected": 0.97, "actual": 0.97, "agreement": "bitwise", "tolerance": {}, "excess": 0.0,
        "detectable": None, "note": None,
    }  # fmt: skip
    assert comparisons[1]["tolerance"] == {"absolute": 1e-6, "relative": 1e-4, "source": "default table"}


def test_what_was_not_executed_catches_nothing():
    def told(**more):
        one = ReproductionResult(**{"name": "smoke", "tier": Tier.SMOKE, "agreement": Agreement.BITWISE} | more)
        report = parsed(Report(version="1", exit=Exit.OPEN, runs=(run(reproductions=[one]),)))
        return "reach" in report["runs"][0]["reproductions"][0]

    assert told()
    assert not told(agreement=Agreement.NOT_EXERCISED)
    assert not told(name="chaos")


@pytest.mark.parametrize("code", Exit)
def test_what_does_not_gate_has_neither_gate_nor_verdict(code):
    report = parsed(Report(version="1", exit=code))
    assert (report["gate"], report["verdict"], report["exit"]) == (None, None, int(code))
    assert violations(report, "report") == []


def test_a_calm_report_is_valid():
    assert violations(parsed(CALM), "report") == []


def test_numbers_that_json_does_not_have_are_null():
    nan, inf = float("nan"), float("inf")
    comparison = Comparison(
        of="metric:loss",
        agreement=Agreement.DIVERGED,
        expected={"a": [nan, 1.5, {"b": -inf}]},
        actual=nan,
        excess=inf,
        tolerance=Tolerance(absolute=inf, relative=0.5),
    )
    report = msgspec.structs.replace(
        CALM, runs=(run(reproductions=[msgspec.structs.replace(SMOKE, comparisons=(comparison,))]),)
    )
    (shown,) = parsed(report)["runs"][0]["reproductions"][0]["comparisons"]
    assert shown["expected"] == {"a": [None, 1.5, {"b": None}]}
    assert (shown["actual"], shown["excess"]) == (None, None)
    assert shown["tolerance"] == {"relative": 0.5, "source": "default"}


def test_bytes_that_are_no_utf8_are_spelt_out():
    report = msgspec.structs.replace(CALM, runs=(run(manifest="runs/\udcff.run.yaml"),))
    assert parsed(report)["runs"][0]["manifest"] == r"runs/\xff.run.yaml"


@given(REPORTS)
def test_whatever_the_report_holds_it_is_ascii_and_strict_json(report):
    text = report_json(report)
    assert all(" " <= sign <= "~" or sign == "\n" for sign in text)
    assert not text.endswith("\n")
    # Empty words are a fault of whoever made the report, not of its rendering.
    wrong = [v for v in violations(parsed(report), "report") if "is empty" not in v.message]
    assert [v for v in wrong if not (v.pointer.endswith("/id") and "null" in v.message)] == []


def test_the_registry_renders_it():
    assert RENDERERS["json"](CALM, color=True, width=10) == report_json(CALM)
