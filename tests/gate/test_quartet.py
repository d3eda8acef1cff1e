"""Every depth of re-execution on four real projects: scikit-learn, a numpy loop with checkpoints, PyTorch, LightGBM.

All of them are the same pipeline of two stages, so one recording of each serves every command. On one thread each comes out
bit by bit, whatever the library: that is what was measured of them, and a difference here is a defect of ours.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import pytest
from workbench import PROJECTS, Repo, result, tables

MANIFEST = "runs/x.run.yaml"
RECORD = ("record", "--manifest", MANIFEST, "--config", "conf/base.yaml")


@dataclass(frozen=True)
class Kind:
    """One of the projects: the module that trains, and the file of its weights."""

    model: str
    weights: str = "out/model.npz"


KINDS = [Kind("linear"), Kind("loop"), Kind("network"), Kind("boosted", "out/model.txt")]


def pipeline(root, env, kind: Kind) -> Repo:
    """The project with both stages recorded and committed on a branch."""
    repo = Repo(root, env).init()
    shutil.copytree(PROJECTS / "quartet", root, dirs_exist_ok=True)
    repo.replace("conf/base.yaml", "model: linear", f"model: {kind.model}")
    repo.replace("conf/base.yaml", "weights: out/model.npz", f"weights: {kind.weights}")
    repo.write("data/raw.csv", tables("breast_cancer", 120)[0])
    repo.write(".gitignore", "__pycache__/\n")
    repo.auditor("init").expect(0)
    repo.policy(lambda policy: policy["gates"]["merge"].update(tiers=["digests", "recompute", "smoke", "prefix"]))
    repo.commit("Start the project")
    repo.branch("work")
    cut = ("--stage", "prepare", "--data", "raw:other=data/raw.csv", "--out", "work/train.csv", "--out", "work/test.csv")
    repo.auditor(*RECORD, *cut, "--", "python", "prepare.py").expect(0)
    train = ("--stage", "train", "--data", "train=work/train.csv", "--data", "test=work/test.csv")
    train += ("--out", f"weights:{kind.weights}", "--out", "out/predictions.csv", "--metrics", "out/metrics.json")
    train += ("--trace", "out/trace.jsonl", "--smoke", "steps=3", "--evaluate", "python evaluate.py")
    repo.auditor(*RECORD, *train, "--", "python", "train.py").expect(0)
    repo.commit("Record a run")
    return repo


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.model)
def repo(request, tmp_path_factory, shell) -> Repo:
    """One project, recorded once for all tests here: none of them changes it."""
    return pipeline(tmp_path_factory.mktemp(request.param.model) / "repository", shell, request.param)


def reproductions(report):
    (run,) = report["runs"]
    return {each["name"]: each for each in run["reproductions"]}


def agreements(report):
    """By name. A figure that we compute from the predictions may differ in what two sums round, and in nothing else."""
    found = {}
    for name, each in reproductions(report).items():
        other = [c for c in each["comparisons"] if c["agreement"] != "bitwise"]
        ours = all(c["note"] == "computed by the auditor" and c["excess"] < 1e-8 for c in other)
        found[name] = "bitwise" if other and ours else each["agreement"]
    return found


def reproduce(repo, *arguments):
    return repo.auditor("reproduce", MANIFEST, *arguments, "--format", "json").expect(0).json()


TIERS = ["evaluate", "smoke-prepare", "smoke-train", "prefix"]


def test_evidence_of_the_policys_tiers_is_judged_elsewhere_without_executing_anything(repo, tmp_path):
    evidence = str(tmp_path / "evidence")
    executed = reproduce(repo, "--base", "main", "--evidence-out", evidence)
    judged = repo.gate("--evidence", evidence).expect(0).json()
    assert judged["verdict"] == "open"
    assert any("nothing was executed here" in note for note in judged["notes"])
    for report in (executed, judged):
        assert list(agreements(report).items()) == [(name, "bitwise") for name in TIERS], report
        assert result(report, "randomness/dead-seed")["outcome"] == "passed"
    told = {each["tier"]: each["reach"]["misses"] for each in reproductions(judged).values()}
    assert len(set(told.values())) == 3, "each tier says what it cannot see"


def test_the_first_steps_are_those_of_the_trace(repo):
    found = reproductions(reproduce(repo, "--tier", "prefix", "--steps", "7"))["prefix"]
    assert found["agreement"] == "bitwise"
    steps = next(c for c in found["comparisons"] if c["of"] == "metric:steps")
    assert (steps["expected"], steps["actual"]) == (7, 7)
    assert "anything after the last step" in found["reach"]["misses"]


def test_one_stage_is_planned_and_executed_alone(repo):
    planned = repo.auditor("reproduce", MANIFEST, "--stage", "prepare", "--dry-run").expect(0).stdout
    assert "execute python prepare.py" in planned
    assert "execute python train.py" not in planned
    assert agreements(reproduce(repo, "--stage", "prepare")) == {"smoke-prepare": "bitwise"}


def test_the_whole_run_comes_out_again_stage_by_stage(repo):
    report = reproduce(repo, "--tier", "full")
    assert agreements(report) == {"evaluate": "bitwise", "full-prepare": "bitwise", "full-train": "bitwise"}
    compared = {c["of"] for c in reproductions(report)["full-train"]["comparisons"]}
    assert compared >= {"predictions:out/predictions.csv", "metric:accuracy", "metric:log_loss"}


def test_nothing_is_left_in_the_repository(repo):
    assert repo.git("status", "--porcelain") == ""
    assert len(repo.git("worktree", "list").splitlines()) == 1


@pytest.fixture(scope="module")
def loop(tmp_path_factory, shell) -> Repo:
    """The quickest of them. Copy before use."""
    return pipeline(tmp_path_factory.mktemp("one") / "repository", shell, KINDS[1])


def test_without_further_words_the_policys_tiers_are_executed_the_cheapest_first(loop):
    assert list(agreements(reproduce(loop)).items()) == [(name, "bitwise") for name in TIERS]


def test_evidence_of_fewer_steps_than_the_policy_asks_for_does_not_count(loop, tmp_path):
    """Whoever executes does not choose how little is looked at; more is welcome."""
    few, many = (str(tmp_path / name) for name in ("few", "many"))
    tiers = ("--tier", "smoke", "--tier", "prefix", "--base", "main")
    reproduce(loop, *tiers, "--steps", "7", "--evidence-out", few)
    report = loop.gate("--evidence", few).expect(4).json()
    prefix = reproductions(report)["prefix"]
    assert prefix["agreement"] == "inconclusive"
    assert "the first 7 steps, and 100 are asked for" in prefix["note"]
    reproduce(loop, *tiers, "--steps", "200", "--evidence-out", many)
    assert agreements(loop.gate("--evidence", many).expect(0).json())["prefix"] == "bitwise"


def test_evidence_of_one_stage_says_nothing_about_the_others(loop, tmp_path):
    evidence = str(tmp_path / "evidence")
    reproduce(loop, "--stage", "prepare", "--base", "main", "--evidence-out", evidence)
    report = loop.gate("--evidence", evidence).expect(4).json()
    assert agreements(report)["smoke-prepare"] == "bitwise"
    assert agreements(report)["smoke-train"] == "inconclusive"


@pytest.mark.parametrize(("name", "old", "new"), [("prepare", "permutation(", "choice("), ("train", "x, y)", "x[::-1], y)")])
def test_a_stage_that_was_not_recorded_as_it_is_diverges_alone(loop, tmp_path, name, old, new):
    """The code of one stage is another than the one that ran: that stage is found, the other still comes out."""
    repo = loop.copy(tmp_path / "repository")
    repo.replace(f"{name}.py", old, new)
    forged = repo.commit("Change the code")
    tree = repo.git("rev-parse", f"{forged}^{{tree}}")
    repo.edit(lambda claims: claims["code"].update(commit=forged, tree=tree), MANIFEST)
    report = repo.auditor("reproduce", MANIFEST, "--tier", "full", "--format", "json").expect(1).json()
    found = agreements(report)
    assert found[f"full-{name}"] == "diverged", found
    assert [stage for stage, agreement in found.items() if agreement == "diverged"] == [f"full-{name}"]
