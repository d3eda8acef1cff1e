"""How outcomes and severities add up to a verdict."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
import rfc8785
from workbench import checks, forgiving, no_reproduction, result, trusting, unchanged, wrong_metric


def judged(project, sabotage, policy):
    """The gate's answer when the *base* has this policy and the branch holds this manifest."""
    repo = project("network", "started")
    repo.checkout("main")
    repo.policy(policy)
    repo.commit("Set the rules")
    repo.checkout("work")
    repo.git("merge", "--quiet", "main")
    repo.record()
    repo.edit(sabotage)
    repo.commit("Record a run")
    return repo.gate()


def merge_gate(**entries):
    def change(policy):
        gate = policy.setdefault("gates", {}).setdefault("merge", {})
        gate.update({name.replace("_", "-"): value for name, value in entries.items()})

    return change


def test_a_failure_below_block_at_is_listed_and_counted_only(project):
    report = judged(project, wrong_metric, forgiving).expect(0).json()
    assert "metrics/wrong-metric" in checks(report, "failed")
    assert report["counts"]["failed"] >= 1
    assert result(report, "metrics/wrong-metric")["severity"] == "minor"


def test_lowering_block_at_makes_minor_failures_block(project):
    def strict(policy):
        forgiving(policy)
        merge_gate(block_at="minor")(policy)

    assert judged(project, wrong_metric, strict).expect(1).json()["verdict"] == "blocked"


def test_an_inconclusive_check_at_block_at_is_undecided(project):
    report = judged(project, no_reproduction, unchanged).expect(4).json()
    assert "reproduction/unexercised-run" in checks(report, "inconclusive")


def test_an_inconclusive_check_below_block_at_is_listed_and_counted_only(project):
    report = judged(project, no_reproduction, trusting).expect(0).json()
    assert "reproduction/unexercised-run" in checks(report, "inconclusive")
    assert report["counts"]["inconclusive"] >= 1


def test_report_only_prints_everything_and_exits_0(project):
    report = judged(project, wrong_metric, lambda policy: policy.update(mode="report-only")).expect(0).json()
    assert "metrics/wrong-metric" in checks(report, "failed")


@pytest.mark.parametrize(
    ("expected", "actual", "exit_code"),
    [
        ('{"a": 0.5}', '{"a": 0.5}', 0),
        ('{"a": 0.5}', '{"a": 0.5000000001}', 0),
        ('{"a": 0.5}', '{"a": 0.6}', 1),
        ('{"a": 0.5, "b": 1.0}', '{"a": 0.5}', 1),
        ('{"a": 0.5}', '{"a": 0.5, "b": 1.0}', 1),
    ],
)
def test_agreement_becomes_an_outcome(repository, expected, actual, exit_code):
    repository.write("expected.json", expected)
    repository.write("actual.json", actual)
    arguments = ("compare", "expected.json", "actual.json", "--rtol", "1e-6", "--atol", "1e-9")
    repository.auditor(*arguments).expect(exit_code)


def test_a_reproduction_that_runs_out_of_time_is_undecided_never_diverged(project):
    repo = project("network", "started")
    repo.record()
    repo.edit(lambda claims: claims["reproductions"][0].update(timeout=0.01))
    repo.commit("Record a run")
    report = repo.gate().expect(4).json()
    assert "reproduction/diverged-reproduction" not in checks(report, "failed")
    assert {r["agreement"] for run in report["runs"] for r in run["reproductions"] if r["tier"] == "smoke"} == {
        "inconclusive"
    }


def test_a_failed_run_is_kept_but_opens_no_gate_by_itself(project):
    repo = project("network", "started")
    repo.auditor("record", "--name", "broken", "--", "python", "-c", "raise SystemExit(3)").expect(3)
    repo.commit("Keep the failed run")
    report = repo.gate().expect(4).json()
    assert not checks(report, "failed", "crashed")
    (run,) = report["runs"]
    assert run["id"].endswith("-broken")
    assert run["reproductions"] == []


def waived(project, *, days=30, check="metrics/wrong-metric", run=None, rule=None):
    """A wrong metric, and waivers of what it fails that somebody put into the base's policy."""
    repo = project("network", "started")
    repo.checkout("main")
    lighter = dict.fromkeys(("reproduction/diverged-reproduction", "metrics/contradicting-file"), "minor")
    repo.policy(lambda policy: policy.update(severities=lighter))
    repo.commit("Care for the predictions")
    repo.git("checkout", "--quiet", "-B", "work")
    repo.record()
    repo.edit(wrong_metric)
    repo.commit("Go wrong")
    entry = {
        "run": run or repo.claims()["run"]["id"],
        "check": check,
        "rule": rule or rule_of(check, version=1),
        "reason": "the figure of the paper, to be corrected in the next edition",
        "owner": "author@example.org",
        "until": (datetime.now(UTC).date() + timedelta(days=days)).isoformat(),
    }
    repo.checkout("main")
    repo.policy(lambda policy: policy.update(waivers=[entry]))
    repo.commit("Waive")
    repo.checkout("work")
    return repo.gate()


def rule_of(check, *, version):
    """What a waiver is bound to: the check and the version of its meaning."""
    return f"sha256:{hashlib.sha256(rfc8785.dumps({'id': check, 'version': version})).hexdigest()}"


def test_a_waived_failure_stays_visible_and_does_not_block(project):
    report = waived(project).expect(0).json()
    wrong = result(report, "metrics/wrong-metric")
    assert (wrong["outcome"], wrong["waived"]) == ("failed", True)
    assert report["counts"]["failed"] >= 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"days": -2},
        {"check": "data/changed-dataset"},
        {"run": "another"},
        {"rule": rule_of("metrics/wrong-metric", version=0)},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_waiver_holds_for_its_days_its_check_its_run_and_its_rule_only(project, wrong):
    report = waived(project, **wrong).expect(1).json()
    assert result(report, "metrics/wrong-metric")["waived"] is False
