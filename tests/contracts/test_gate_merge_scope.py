"""What ``gate merge`` looks at: (a) manifests, (b) reference runs, (c) the policy, (d) nothing."""

from __future__ import annotations

import json

import yaml
from workbench import checks, result, wrong_metric


def test_a_added_manifest_is_judged(project):
    repo = project()
    assert [run["manifest"] for run in repo.gate().expect(0).json()["runs"]] == [repo.manifest]


def test_a_changed_merged_manifest_is_a_finding(project):
    repo = project("network", "merged")
    repo.edit(lambda claims: claims["run"].update(purpose="tell it differently"))
    repo.commit("Rewrite history")
    report = repo.gate().expect(1).json()
    rewritten = result(report, "governance/rewritten-run")
    assert rewritten["outcome"] == "failed"
    assert rewritten["findings"][0]["file"] == repo.manifest


def test_a_deleted_merged_manifest_is_a_finding_of_no_run(project):
    repo = project("network", "merged")
    path = repo.manifest
    repo.git("rm", "--quiet", path)
    repo.commit("Forget it")
    report = repo.gate().expect(1).json()
    (rewritten,) = [r for r in report["results"] if r["check"] == "governance/rewritten-run"]
    assert path in json.dumps(rewritten["findings"])


def test_a_deleted_manifest_that_was_never_merged_is_none(project):
    repo = project()
    repo.git("rm", "--quiet", repo.manifest)
    repo.commit("Think better of it")
    assert "governance/rewritten-run" not in checks(repo.gate().expect(0).json(), "failed")


def test_a_re_serialised_manifest_is_no_change(project):
    repo = project("network", "merged")
    claims = repo.claims()
    backwards = {key: claims[key] for key in sorted(claims, reverse=True)}
    repo.write(repo.manifest, "# the same claims\n" + yaml.safe_dump(backwards, sort_keys=False, width=200))
    repo.commit("Tidy up")
    assert "governance/rewritten-run" not in checks(repo.gate().expect(0).json(), "failed")


def test_a_renamed_manifest_is_no_change(project):
    repo = project("network", "merged")
    repo.git("mv", repo.manifest, "runs/best.run.yaml")
    repo.policy(lambda policy: policy.update(references=["runs/best.run.yaml"]))
    repo.commit("Give it a better name")
    report = repo.gate().expect(0).json()
    assert "governance/rewritten-run" not in checks(report, "failed")


def test_b_a_harmless_change_of_covered_code_agrees_with_the_reference(project):
    repo = project("network", "merged")
    repo.replace("train.py", "def main() -> None:\n", "def main() -> None:\n    # the whole training, from table to table\n")
    repo.commit("Explain")
    report = repo.gate().expect(0).json()
    assert report["verdict"] == "open"
    assert "reproduction/stale-reference" in checks(report, "passed")
    assert "nothing to judge" not in repo.auditor("gate", "merge", "--base", "main").stdout


def change_the_training(repo):
    repo.replace("train.py", "0.3, (x.shape[1]", "0.2, (x.shape[1]")
    repo.commit("Start smaller")


def test_b_a_change_that_moves_the_figures_makes_the_reference_stale(project):
    repo = project("network", "merged")
    change_the_training(repo)
    report = repo.gate().expect(1).json()
    stale = result(report, "reproduction/stale-reference")
    assert (stale["outcome"], stale["severity"]) == ("failed", "major")
    assert "supersede" in json.dumps(stale["findings"])


def test_b_a_change_of_covered_data_makes_the_reference_stale(project):
    repo = project("network", "merged")
    lines = repo.read("data/train.csv").splitlines(keepends=True)
    repo.write("data/train.csv", "".join(lines[:200]))
    repo.commit("Drop data")
    assert "reproduction/stale-reference" in checks(repo.gate().expect(1).json(), "failed")


def test_b_a_run_that_supersedes_the_reference_settles_it(project):
    repo = project("network", "merged")
    reference = repo.manifest
    digest = repo.auditor("check", reference, "--format", "json").json()["runs"][0]["digest"]
    change_the_training(repo)
    new = repo.record("--name", "smaller", "--supersedes", digest, "--reason", "starts with smaller weights")
    repo.commit("Record it anew")
    assert repo.claims(new)["run"]["supersedes"]["digest"] == digest
    report = repo.gate().expect(0).json()
    assert new in [run["manifest"] for run in report["runs"]]


def test_b_a_reference_that_the_branch_deletes_still_blocks(project):
    repo = project("network", "merged")
    repo.git("rm", "--quiet", repo.manifest)
    change_the_training(repo)
    assert "governance/rewritten-run" in checks(repo.gate().expect(1).json(), "failed")


def test_b_a_renamed_reference_is_still_the_reference(project):
    repo = project("network", "merged")
    repo.git("mv", repo.manifest, "runs/best.run.yaml")
    change_the_training(repo)
    assert "reproduction/stale-reference" in checks(repo.gate().expect(1).json(), "failed")


def test_b_without_references_covered_changes_are_nothing_to_judge(project):
    repo = project("network", "merged")
    repo.checkout("main")
    repo.policy(lambda policy: policy.update(references=[]))
    repo.commit("Have no reference")
    repo.branch("other")
    change_the_training(repo)
    assert repo.gate().expect(0).json()["runs"] == []


def test_c_only_the_policy_changed(project):
    repo = project("network", "merged")
    repo.policy(lambda policy: policy.update(mode="report-only"))
    repo.commit("Only report")
    report = repo.gate().expect(0).json()
    assert "governance/loosened-policy" in checks(report, "failed"), "minor: nobody owns this policy"
    assert {policy["role"] for policy in report["policies"]} == {"base", "head"}


def test_d_nothing_to_judge_is_open_and_said(project):
    repo = project("network", "merged")
    repo.write("README.md", "A text\n")
    repo.write("docs/more.md", "More text\n")
    repo.commit("Write")
    assert repo.gate().expect(0).json()["runs"] == []
    answer = repo.auditor("gate", "merge", "--base", "main").expect(0)
    assert "nothing to judge: 2 files changed, none covered" in answer.stdout


def test_d_the_policy_may_want_something(project):
    repo = project("network", "merged")
    repo.checkout("main")
    repo.policy(lambda policy: policy.setdefault("gates", {}).setdefault("merge", {}).update({"on-nothing": "undecided"}))
    repo.commit("Want something")
    repo.branch("other")
    repo.write("README.md", "A text\n")
    repo.commit("Write")
    assert repo.gate().expect(4).json()["verdict"] == "undecided"


def test_several_runs_are_judged_each(project):
    repo = project()
    first = repo.manifest
    second = repo.record("--name", "again")
    repo.edit(wrong_metric, second)
    repo.commit("Record another")
    report = repo.gate().expect(1).json()
    outcomes = {
        run["manifest"]: {
            r["check"] for r in run["results"] if r["outcome"] == "failed" and r["severity"] in {"major", "blocker"}
        }
        for run in report["runs"]
    }
    assert set(outcomes) == {first, second}
    assert outcomes[first] == set()
    assert "metrics/wrong-metric" in outcomes[second]


def test_a_selection_narrows_what_is_judged(project):
    repo = project()
    first = repo.manifest
    second = repo.record("--name", "again")
    repo.commit("Record another")
    assert [run["manifest"] for run in repo.gate(second).expect(0).json()["runs"]] == [second]
    assert first != second
