"""The commands, their options, and what goes to stdout, to stderr and to disk."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from workbench import checks, validator, verify

BUILT = (
    "demo",
    "init",
    "record",
    "check",
    "reproduce",
    "compare",
    "gate",
    "register",
    "promote",
    "rollback",
    "fetch",
    "lineage",
    "store",
    "verify",
    "checks",
    "explain",
)
LATER = ("diff", "why", "export")


def snapshot(repo):
    """Every path outside .git with its bytes."""
    files = (p for p in repo.root.rglob("*") if p.is_file() and ".git" not in p.relative_to(repo.root).parts)
    return {path.relative_to(repo.root).as_posix(): path.read_bytes() for path in files}


def commands(text):
    return set(re.findall(r"^\s{2,}([a-z][a-z-]*)\s", text, flags=re.MULTILINE))


def test_help_lists_what_is_built_and_nothing_else(auditor):
    listed = commands(auditor("--help").expect(0).stdout)
    assert listed >= set(BUILT)
    assert not listed & set(LATER)


@pytest.mark.parametrize("command", BUILT)
def test_every_command_has_help(auditor, command):
    answer = auditor(command, "--help").expect(0)
    assert answer.stdout.startswith("Usage:")
    assert answer.stderr == ""


def test_the_version_is_told(auditor):
    assert re.search(r"\d+\.\d+", auditor("--version").expect(0).stdout)


def test_init_writes_the_policy_and_nothing_else(repository):
    answer = repository.auditor("init").expect(0)
    assert set(snapshot(repository)) == {"auditor.yaml"}
    text = repository.read("auditor.yaml")
    assert not list(validator("policy").iter_errors(yaml.safe_load(text)))
    assert text.count("#") >= 5, "commented"
    assert len(re.findall(r"^\s+(?:git|auditor) [a-z]", answer.stdout, flags=re.MULTILINE)) == 3, "the three next commands"


def test_init_refuses_to_overwrite_unless_forced(repository):
    repository.write("auditor.yaml", "mine\n")
    answer = repository.auditor("init").expect(2)
    assert "auditor.yaml" in answer.stderr
    assert repository.read("auditor.yaml") == "mine\n"
    repository.auditor("init", "--force").expect(0)
    assert repository.read("auditor.yaml") != "mine\n"


def test_init_asks_for_no_less_than_the_built_in_policy(project):
    repo = project("network", "started")
    repo.checkout("main")
    repo.git("rm", "--quiet", "auditor.yaml")
    repo.commit("Go without a policy")
    repo.branch("other")
    repo.auditor("init").expect(0)
    repo.commit("Have a policy")
    report = repo.gate().expect(0).json()
    assert [policy["role"] for policy in report["policies"]] == ["built-in"]  # the same rules, so judged once
    assert "governance/loosened-policy" not in checks(report, "failed")


def test_check_executes_nothing_and_changes_nothing(project):
    repo = project()
    repo.write("train.py", "from pathlib import Path\nPath('executed').touch()\n")
    before = snapshot(repo)
    report = repo.auditor("check", "--format", "json").json()
    assert snapshot(repo) == before
    assert report["advisory"] is True
    assert report["gate"] is None
    assert report["verdict"] is None
    assert [run["manifest"] for run in report["runs"]] == [repo.manifest]


def test_check_takes_manifests_by_path_and_by_pattern(project):
    repo = project()
    for selection in (repo.manifest, "runs/*.run.yaml", "runs/**/*.run.yaml"):
        report = repo.auditor("check", selection, "--format", "json").expect(0).json()
        assert len(report["runs"]) == 1


def test_an_unknown_checklist_is_never_a_pass(project):
    project().auditor("check", "--checklist", "no-such-checklist").expect(2, 3)


def test_the_strict_checklist_raises_what_record_cannot_supply(project):
    repo = project()
    standard = repo.auditor("check", "--format", "json").expect(0).json()
    strict = repo.auditor("check", "--checklist", "strict", "--format", "json").expect(1, 4).json()
    assert strict["counts"]["passed"] <= standard["counts"]["passed"] + strict["counts"]["not-applicable"]


def test_reproduce_compares_and_leaves_the_work_tree_alone(project):
    repo = project()
    before = snapshot(repo)
    report = repo.auditor("reproduce", repo.manifest, "--format", "json").expect(0).json()
    assert snapshot(repo) == before
    (run,) = report["runs"]
    smoke = next(r for r in run["reproductions"] if r["tier"] == "smoke")
    assert smoke["agreement"] == "bitwise"
    compared = {comparison["of"]: comparison for comparison in smoke["comparisons"]}
    assert compared["metric:accuracy"]["expected"] == compared["metric:accuracy"]["actual"]
    assert any("out/model.npz" in name for name in compared)
    assert any("out/predictions.csv" in name for name in compared)


def test_a_dry_run_executes_nothing(project):
    repo = project()
    answer = repo.auditor("reproduce", repo.manifest, "--dry-run").expect(0)
    assert "train.py" in answer.stdout + answer.stderr
    assert "bitwise" not in answer.stdout


def test_reproduce_diverges_when_a_record_does_not_hold(project):
    repo = project()

    def forge(claims):
        for metric in claims["reproductions"][0]["expect"]["metrics"]:
            metric["value"] = 0.5

    repo.edit(forge)
    report = repo.auditor("reproduce", repo.manifest, "--format", "json").expect(1).json()
    assert report["runs"][0]["reproductions"][0]["agreement"] == "diverged"


def test_checks_lists_the_catalogue(auditor):
    listed = auditor("checks").expect(0).stdout
    ids = set(re.findall(r"\b([a-z]+/[a-z-]+)\b", listed))
    assert len(ids) >= 12
    assert ids >= {"data/undigested-dataset", "reproduction/unexercised-run", "governance/loosened-policy"}


def test_explain_prints_the_manual_page(auditor):
    page = auditor("explain", "data/undigested-dataset").expect(0).stdout
    assert "data/undigested-dataset" in page
    for section in ("Why it matters", "How to fix", "When it cannot decide"):
        assert section in page


def test_explain_of_an_unknown_check_is_wrong_usage(auditor):
    auditor("explain", "data/no-such-check").expect(2)


@pytest.mark.parametrize("arguments", [["check"], ["gate", "merge", "--base", "main"]])
def test_stdout_carries_the_report_alone(project, arguments):
    repo = project()
    report = repo.auditor(*arguments, "--format", "json").expect(0)
    assert json.loads(report.stdout)["schema"] == "auditor/report/v1"
    console = repo.auditor(*arguments).expect(0)
    assert "\x1b" not in console.stdout + console.stderr, "colour without a terminal"
    assert max(map(len, console.stdout.splitlines())) <= 100


def test_output_writes_files_besides(project):
    repo = project()
    arguments = ("gate", "merge", "--base", "main", "--output", "json:one.json", "--output", "console:two.txt")
    answer = repo.auditor(*arguments).expect(0)
    verify(json.loads(repo.read("one.json")), answer)
    assert repo.read("two.txt").strip()
    assert answer.stdout.strip()


def test_quiet_says_less_and_decides_the_same(project):
    repo = project()
    loud = repo.auditor("gate", "merge", "--base", "main").expect(0)
    quiet = repo.auditor("gate", "merge", "--base", "main", "--quiet").expect(0)
    assert len(quiet.stdout) < len(loud.stdout)


def test_no_color_is_taken_everywhere(project):
    for arguments in (["check"], ["gate", "merge", "--base", "main"]):
        project(folder=arguments[0]).auditor(*arguments, "--no-color").expect(0)


def test_the_work_tree_holds_nothing_of_ours_but_manifests(project):
    repo = project("network", "started")
    before = set(snapshot(repo))
    manifest = repo.record()
    outputs = {"out/model.npz", "out/predictions.csv", "out/metrics.json"}
    assert set(snapshot(repo)) - before == {manifest} | outputs
    repo.commit("Record a run")
    repo.gate().expect(0)
    assert repo.git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 0),
        (["--atol", "0"], 1),
        (["--rtol", "1e-3"], 0),
        (["--rtol", "0"], 1),
        (["--atol", "1e-3"], 0),
        (["--rtol", "not-a-number"], 2),
        (["--rtol", "-1"], 2),
        (["--metric", "accuracy"], 2),
        (["--labels", "a.npz"], 2),
    ],
)
def test_compare_takes_tolerances_and_refuses_what_does_not_fit(repository, options, code):
    np = pytest.importorskip("numpy")
    np.savez(repository.root / "a.npz", w=np.array([1.0, 2.0], dtype=np.float32))
    np.savez(repository.root / "b.npz", w=np.array([1.0, 2.0000002], dtype=np.float32))
    repository.auditor("compare", "a.npz", "b.npz", *options).expect(code)


def test_compare_says_which_tensor_diverged(repository):
    np = pytest.importorskip("numpy")
    np.savez(repository.root / "a.npz", first=np.ones(3), second=np.ones(3))
    np.savez(repository.root / "b.npz", first=np.ones(3), second=np.array([1.0, 1.5, 1.0]))
    answer = repository.auditor("compare", "a.npz", "b.npz").expect(1)
    assert "second" in answer.stdout


def test_compare_never_loads_a_pickle(repository):
    repository.write("a.joblib", b"cos\nsystem\n(S'touch executed'\ntR.")
    repository.write("b.joblib", b"cos\nsystem\n(S'touch executed!'\ntR.")
    repository.auditor("compare", "a.joblib", "b.joblib").expect(1)
    assert sorted(path.name for path in repository.root.iterdir()) == [".git", "a.joblib", "b.joblib"]
