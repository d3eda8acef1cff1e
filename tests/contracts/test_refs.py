"""Which commit is judged, against which base, by whose policy."""

from __future__ import annotations

from workbench import checks, forgiving, wrong_metric


def test_committed_content_is_judged_and_the_difference_is_named(project):
    repo = project()
    repo.edit(wrong_metric)
    answer = repo.gate().expect(0)
    assert answer.json()["verdict"] == "open"
    assert repo.manifest in answer.stderr


def test_a_manifest_deleted_in_the_work_tree_only_is_still_judged(project):
    repo = project()
    path = repo.manifest
    (repo.root / path).unlink()
    answer = repo.gate().expect(0)
    assert [run["manifest"] for run in answer.json()["runs"]] == [path]
    assert path in answer.stderr


def test_an_honest_work_tree_hides_no_committed_sabotage(project):
    repo = project()
    path, honest = repo.manifest, repo.read(repo.manifest)
    repo.edit(wrong_metric)
    repo.commit()
    repo.write(path, honest)
    answer = repo.gate().expect(1)
    assert path in answer.stderr


def test_a_clean_work_tree_draws_no_remark(project):
    assert "working tree" not in project().gate().expect(0).stderr


def test_head_and_base_are_named_in_full(project):
    repo = project()
    report = repo.gate().json()
    assert report["head"] == repo.git("rev-parse", "HEAD")
    assert report["base"] == repo.git("rev-parse", "main")


def test_head_can_be_another_branch(project):
    repo = project()
    work = repo.git("rev-parse", "work")
    repo.checkout("main")
    report = repo.gate("--head", "work").expect(0).json()
    assert report["head"] == work
    assert len(report["runs"]) == 1


def test_an_unknown_head_is_never_open(project):
    project().gate("--head", "no-such-ref").expect(2, 4)


def test_a_detached_head_is_judged(project):
    repo = project()
    repo.git("checkout", "--quiet", "--detach")
    assert len(repo.gate().expect(0).json()["runs"]) == 1


def test_the_default_base_is_the_remotes_default_branch(project, tmp_path):
    repo = project()
    repo.checkout("main")
    repo.git("branch", "elsewhere")
    clone = repo.clone(tmp_path / "clone")
    clone.git("checkout", "--quiet", "-b", "work", "origin/work")
    clone.git("branch", "--quiet", "--force", "main", "work")  # a local main that would hide the change
    report = clone.gate(base=None).expect(0).json()
    assert report["base"] == clone.git("rev-parse", "origin/main")
    assert len(report["runs"]) == 1


def test_without_a_remote_the_default_base_is_main_then_master(project):
    repo = project()
    assert repo.gate(base=None).expect(0).json()["base"] == repo.git("rev-parse", "main")
    repo.git("branch", "--move", "main", "master")
    assert repo.gate(base=None).expect(0).json()["base"] == repo.git("rev-parse", "master")
    repo.git("branch", "--move", "master", "trunk")
    assert repo.gate(base=None).expect(4).json()["verdict"] == "undecided"


def test_only_what_the_branch_changed_is_judged(project):
    repo = project()
    mine = repo.manifest
    repo.checkout("main")
    repo.write("runs/20240101-000000-other.run.yaml", "not a manifest\n")
    repo.commit("Something bad on main")
    repo.checkout("work")
    report = repo.gate().expect(0).json()
    assert [run["manifest"] for run in report["runs"]] == [mine]


def lenient(project):
    """A wrong metric on the branch, and rules on main that forgive it."""
    repo = project("network", "started")
    repo.checkout("main")
    repo.policy(forgiving)
    repo.commit("Forgive")
    repo.checkout("work")
    repo.git("merge", "--quiet", "main")
    repo.record()
    repo.edit(wrong_metric)
    repo.commit("Record a run")
    repo.gate().expect(0)
    return repo


def test_the_policy_is_that_of_the_bases_tip_not_of_the_merge_base(project):
    repo = lenient(project)
    repo.checkout("main")
    repo.policy(lambda policy: policy.pop("severities"))
    tip = repo.commit("Forgive no longer, after the branch began")
    repo.checkout("work")
    report = repo.gate().expect(1).json()
    assert report["base"] == tip
    assert next(policy for policy in report["policies"] if policy["role"] == "base")["verdict"] == "blocked"


def test_the_policy_ref_can_be_named(project):
    repo = lenient(project)
    repo.checkout("main")
    repo.branch("rules")
    repo.policy(lambda policy: policy.pop("severities"))
    repo.commit("Forgive no longer")
    repo.checkout("work")
    repo.gate("--policy-ref", "rules").expect(1)


def test_a_branch_is_not_accused_of_what_the_base_tightened(project):
    repo = project()
    repo.checkout("main")
    repo.policy(
        lambda policy: policy.update(
            trust={"owners": ["author@example.org"]}, severities={"lineage/impossible-time": "blocker"}
        )
    )
    repo.commit("Tighten the rules after the branch began")
    repo.checkout("work")
    assert "governance/loosened-policy" not in checks(repo.gate().expect(0).json(), "failed")


def test_a_shallow_clone_without_a_merge_base_is_undecided(project, tmp_path):
    repo = project()
    repo.checkout("main")
    repo.commit("Main moves on")
    repo.checkout("work")
    clone = repo.clone(tmp_path / "clone", "--depth", "1", "--no-single-branch")
    answer = clone.gate(base="origin/main").expect(4)
    assert answer.json()["verdict"] == "undecided"
    assert "shallow" in answer.stdout + answer.stderr
