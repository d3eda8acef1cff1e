"""The JSON report: valid on every way out, and counting what was not decided as visibly as what failed."""

from __future__ import annotations

import re

import pytest
from workbench import OUTCOMES, VERDICT_EXITS, no_reproduction, result, wrong_metric


def honest(repo):
    pass


def blocked(repo):
    repo.edit(wrong_metric)


def undecided(repo):
    repo.edit(no_reproduction)


def unreadable(repo):
    repo.write(repo.manifest, "run: [\n")


def nothing(repo):
    repo.git("reset", "--quiet", "--hard", "main")
    repo.write("README.md", "A text\n")


def invalid_head_policy(repo):
    repo.write("auditor.yaml", "schema: auditor/policy/v1\nno-such-key: 1\n")


WAYS = {honest: "open", blocked: "blocked", undecided: "undecided", unreadable: "blocked", nothing: "open"}
WAYS |= {invalid_head_policy: "blocked"}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_way_out_has_a_valid_report(project, way):
    repo = project()
    way(repo)
    repo.commit("Go this way")
    verdict = WAYS[way]
    report = repo.gate().expect(VERDICT_EXITS[verdict]).json()
    assert report["schema"] == "auditor/report/v1"
    assert re.fullmatch(r"\d+\.\d+.*", report["tool"]["version"])
    assert (report["gate"], report["verdict"]) == ("merge", verdict)
    assert re.fullmatch(r"[0-9a-f]{40}", report["head"])
    assert re.fullmatch(r"[0-9a-f]{40}", report["base"])
    assert report["policies"]


def test_no_base_an_empty_selection_and_an_invalid_policy_have_reports_too(project):
    repo = project()
    assert repo.gate(base="no-such-ref").expect(4).json()["verdict"] == "undecided"
    assert repo.gate("runs/nothing.run.yaml").expect(3).json()["runs"] == []
    assert repo.auditor("check", "runs/nothing.run.yaml", "--format", "json").expect(3).json()["verdict"] is None
    repo.checkout("main")
    repo.write("auditor.yaml", "schema: auditor/policy/v1\nno-such-key: 1\n")
    repo.commit("Break the rules")
    repo.checkout("work")
    repo.gate().expect(2).json()


def test_the_report_of_a_run_names_it(project):
    repo = project()
    (run,) = repo.gate().expect(0).json()["runs"]
    assert run["manifest"] == repo.manifest
    assert run["identity"] == "canonical"
    assert run["id"] == repo.claims()["run"]["id"]
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", run["digest"])


def test_a_finding_stands_at_its_line(project):
    repo = project()
    repo.edit(wrong_metric)
    repo.commit("Go wrong")
    wrong = result(repo.gate().expect(1).json(), "metrics/wrong-metric")
    finding = wrong["findings"][0]
    assert finding["file"] == repo.manifest
    assert finding["pointer"].startswith("/metrics/")
    assert "0.999" in finding["message"]
    lines = repo.read(repo.manifest).splitlines()
    block = lines[finding["line"] - 1 : finding["line"] + 8]
    assert any("accuracy" in line or "0.999" in line for line in block), block
    assert wrong["evidence"] == "recomputed"


def test_reproductions_tell_how_they_were_made(project):
    (run,) = project().gate().expect(0).json()["runs"]
    smoke = next(r for r in run["reproductions"] if r["tier"] == "smoke")
    assert smoke["isolation"] in {"bwrap", "container", "none"}
    assert smoke["seconds"] > 0
    assert smoke["calibrated"] is False
    accuracy = next(c for c in smoke["comparisons"] if c["of"] == "metric:accuracy")
    assert accuracy["excess"] <= 1


def test_a_personal_run_without_a_sandbox_is_advisory(project):
    repo = project()
    reproduced = repo.auditor("reproduce", repo.manifest, "--isolation", "none", "--format", "json").expect(0).json()
    assert reproduced["advisory"] is True
    assert {r["isolation"] for r in reproduced["runs"][0]["reproductions"]} == {"none"}


@pytest.mark.parametrize("way", [honest, blocked, undecided], ids=lambda way: way.__name__)
def test_the_counts_end_the_console_report(project, way):
    repo = project()
    way(repo)
    repo.commit("Go this way")
    counts = repo.gate().json()["counts"]
    ending = " ".join(repo.auditor("gate", "merge", "--base", "main").stdout.split()[-40:])
    for outcome in OUTCOMES:
        words = outcome.replace("-", "[- ]")
        assert re.search(rf"{counts[outcome]} {words}|{words}:? {counts[outcome]}", ending), (outcome, counts, ending)


def test_the_same_report_is_written_twice(project):
    repo = project()
    one, two = (repo.auditor("check", "--format", "json").expect(0).stdout for _ in range(2))
    assert one == two
