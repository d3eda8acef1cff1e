from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys

import pytest
from workbench import PROJECTS, Answer, Repo, checks, result

from auditor.manifest.reader import read_file
from auditor.manifest.validate import violations

MANIFEST = "runs/x.run.yaml"
PREPARE = (
    *("--stage", "prepare", "--manifest", MANIFEST, "--config", "params.yaml", "--data", "raw:other=data/raw.csv"),
    *("--out", "work/train.csv", "--out", "work/test.csv"),
)
TRAIN = (
    *("--stage", "train", "--manifest", MANIFEST, "--config", "params.yaml"),
    *("--data", "train=work/train.csv", "--data", "test=work/test.csv"),
    *("--out", "out/model.npz", "--out", "out/predictions.csv", "--metrics", "out/metrics.json"),
)


def stage(repo: Repo, options: tuple[str, ...], *command: str) -> Answer:
    return repo.auditor("record", *options, "--", *command)


def pipeline(root, env) -> Repo:
    repo = Repo(root, env).init()
    shutil.copytree(PROJECTS / "pipeline", root, dirs_exist_ok=True)
    draw = random.Random(1)  # noqa: S311  (data, no secret)
    rows = [f"{i},{draw.gauss(i % 2, 1):.5f},{draw.gauss(0, 1):.5f},{i % 2}" for i in range(200)]
    repo.write("data/raw.csv", "\n".join(["id,a,b,label", *rows]) + "\n")
    repo.write(".gitignore", "__pycache__/\n")
    repo.auditor("init").expect(0)
    repo.commit("Start the project")
    repo.branch("work")
    return repo


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, shell) -> Repo:
    """One stage recorded. Copy before use."""
    repo = pipeline(tmp_path_factory.mktemp("prepared") / "repository", shell)
    stage(repo, PREPARE, "python", "prepare.py").expect(0)
    return repo


@pytest.fixture
def repo(prepared, tmp_path) -> Repo:
    return prepared.copy(tmp_path / "repository")


@pytest.fixture(scope="module")
def trained(prepared, tmp_path_factory) -> Repo:
    """Both stages recorded and committed. Copy before use."""
    repo = prepared.copy(tmp_path_factory.mktemp("trained") / "repository")
    stage(repo, TRAIN, "python", "train.py").expect(0)
    repo.commit("Record a run")
    return repo


def test_the_manifest_is_valid_after_every_stage(prepared, trained) -> None:
    for repo, names in ((prepared, ["prepare"]), (trained, ["prepare", "train"])):
        assert violations(read_file(repo.root / MANIFEST).value, "run-manifest") == []
        assert [s["name"] for s in repo.claims()["stages"]] == names
    assert [path.name for path in (trained.root / "runs").iterdir()] == ["x.run.yaml"]


def test_two_stages_are_one_run(trained) -> None:
    found = trained.claims()
    prepare, train = found["stages"]
    assert prepare["inputs"] == ["data/raw.csv", "params.yaml"]
    assert prepare["outputs"] == ["work/train.csv", "work/test.csv"]
    assert train["inputs"] == ["work/train.csv", "work/test.csv", "params.yaml"]
    assert train["command"] == found["code"]["entrypoint"] == ["python", "train.py"]
    assert train["parameters"]["train"] == {"seed": 7, "steps": 100}
    assert "train.seed" in train["seeds"]
    assert {a["path"]: a["stage"] for a in found["artifacts"]} == {
        **dict.fromkeys(prepare["outputs"], "prepare"),
        **dict.fromkeys(train["outputs"], "train"),
    }
    assert [r["name"] for r in found["reproductions"]] == ["smoke-prepare", "smoke-train"]
    assert found["run"]["started"] < found["run"]["finished"]
    assert [d["name"] for d in found["data"]] == ["raw", "train", "test"]
    reads = {read["path"] for read in found["observed"]["reads"]}
    assert reads >= {"data/raw.csv", "prepare.py", "train.py", "work/train.csv", "params.yaml"}
    assert found["code"]["dirty"] is False


def test_the_gate_executes_every_stage_from_what_the_one_before_left(trained, tmp_path) -> None:
    report = trained.gate().expect(0).json()
    (run,) = report["runs"]
    assert {r["name"]: r["agreement"] for r in run["reproductions"]} == {
        "smoke-prepare": "bitwise",
        "smoke-train": "bitwise",
    }
    assert result(report, "reproduction/foreign-command")["outcome"] == "passed"
    assert result(report, "randomness/dead-seed")["outcome"] == "passed"
    assert not checks(report, "crashed")


@pytest.mark.parametrize("name", ["prepare", "train"])
def test_a_stage_that_made_something_else_is_found(trained, tmp_path, name) -> None:
    """The stage's code is changed after the fact: what it is said to have written is not what it writes."""
    repo = trained.copy(tmp_path / "repository")
    old, new = {"prepare": ("shuffle(rows)", "sample(rows, 2)"), "train": ("0.1 * x", "0.2 * x")}[name]
    manifest = repo.read(MANIFEST)
    repo.checkout("main")
    repo.branch("forged")
    repo.replace(f"{name}.py", old, new)
    forged = repo.commit("Change the code")
    for folder in ("work", "out", "runs"):
        shutil.copytree(trained.root / folder, repo.root / folder, dirs_exist_ok=True)
    tree = repo.git("rev-parse", f"{forged}^{{tree}}")
    repo.write(MANIFEST, manifest)
    repo.edit(lambda claims: claims["code"].update(commit=forged, tree=tree), MANIFEST)
    repo.commit("Claim the old results for it")
    report = repo.gate().expect(1).json()
    found = {r["name"]: r["agreement"] for r in report["runs"][0]["reproductions"]}
    assert found[f"smoke-{name}"] == "diverged"


def test_a_dead_seed_of_a_later_stage_is_found(prepared, tmp_path, shell) -> None:
    repo = pipeline(tmp_path / "repository", shell)
    repo.replace("train.py", 'settings["seed"]', "5")
    repo.commit("Hide the seed")
    stage(repo, PREPARE, "python", "prepare.py").expect(0)
    stage(repo, TRAIN, "python", "train.py").expect(0)
    repo.commit("Record a run")
    report = repo.gate().expect(1).json()
    assert "randomness/dead-seed" in checks(report, "failed")


def test_an_undeclared_read_of_an_earlier_output_is_that_stages_artifact(repo) -> None:
    options = (*TRAIN[:6], *("--out", "out/model.npz", "--metrics", "out/metrics.json"))
    answer = stage(repo, options, "python", "train.py").expect(0)
    assert "not declared" not in answer.stderr
    found = repo.claims(MANIFEST)
    assert {"work/train.csv", "work/test.csv"} <= set(found["stages"][1]["inputs"])
    assert "undeclared-inputs" not in found["extensions"]["auditor"]
    repo.commit("Record a run")
    assert repo.gate().expect(0).json()["verdict"] == "open"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (PREPARE, "has this stage"),
        ((*TRAIN, "--set", "train.steps=5"), "another value at /train/steps"),
        ((*TRAIN, "--out", "work/train.csv"), "as data and as output"),
        ((*TRAIN[:6], "--out", "work/test.csv"), "stage 'prepare' wrote it already"),
        ((*TRAIN[:6], "--data", "raw=params.yaml"), "other data of this name"),
        ((*TRAIN, "--allow-dirty"), "exclude each other"),
        (("--stage", "train"), "--stage needs --manifest"),
        (("--stage", "a/b", "--manifest", MANIFEST), "is no name"),
        (("--manifest", MANIFEST), "never edited"),
    ],
)
def test_what_cannot_stand_beside_the_earlier_stages_is_refused(repo, options, words) -> None:
    before = repo.read(MANIFEST)
    answer = stage(repo, options, sys.executable, "-c", "open('started', 'w')").expect(2)
    assert words in answer.stderr
    assert not (repo.root / "started").exists()
    assert repo.read(MANIFEST) == before


def test_another_commit_another_environment_and_changed_inputs_are_refused(repo) -> None:
    repo.write("work/train.csv", "id,a,b,label\n")
    assert "not what stage 'prepare' wrote" in stage(repo, TRAIN, "python", "train.py").expect(2).stderr
    repo.extra = {"OMP_NUM_THREADS": "1"}
    assert "another environment" in stage(repo, TRAIN, "python", "train.py").expect(2).stderr
    repo.extra = {}
    repo.replace("train.py", "0.1 *", "0.2 *")
    repo.commit("Change the code between stages")
    assert "other committed files" in stage(repo, TRAIN, "python", "train.py").expect(2).stderr


def test_nothing_is_built_on_a_failed_stage(repo) -> None:
    options = ("--stage", "broken", "--manifest", MANIFEST)
    stage(repo, options, sys.executable, "-c", "raise SystemExit(3)").expect(3)
    found = repo.claims(MANIFEST)
    assert found["run"]["status"] == "failed"
    assert [s["name"] for s in found["stages"]] == ["prepare", "broken"]
    assert violations(read_file(repo.root / MANIFEST).value, "run-manifest") == []
    assert "nothing can be built on it" in stage(repo, TRAIN, "python", "train.py").expect(2).stderr


def test_a_run_without_stages_gets_none(repo) -> None:
    repo.auditor("record", "--manifest", "runs/plain.run.yaml", "--", sys.executable, "-c", "pass").expect(0)
    options = ("--stage", "late", "--manifest", "runs/plain.run.yaml")
    assert "without stages" in stage(repo, options, sys.executable, "-c", "pass").expect(2).stderr


def test_stages_that_run_at_once_are_both_kept(repo) -> None:
    wait = "import time; time.sleep(0.5); open('{}.txt', 'w').write('x')"
    recorder = (sys.executable, "-m", "auditor", "record", "--manifest", MANIFEST)
    started = [
        subprocess.Popen(
            [*recorder, "--stage", name, "--out", f"{name}.txt", "--", sys.executable, "-c", wait.format(name)],
            cwd=repo.root,
            env=repo.env,
            stderr=subprocess.DEVNULL,
        )
        for name in ("one", "two")
    ]
    assert [process.wait(60) for process in started] == [0, 0]
    found = repo.claims(MANIFEST)
    assert {s["name"] for s in found["stages"]} == {"prepare", "one", "two"}
    assert len(found["reproductions"]) == 3


def test_a_figure_whose_name_is_taken_is_not_claimed_twice(repo) -> None:
    report = "import json; json.dump(dict(loss=1.5), open('{}.json', 'w'))"
    for name in ("one", "two"):
        options = ("--stage", name, "--manifest", MANIFEST, "--metrics", f"{name}.json")
        answer = stage(repo, options, sys.executable, "-c", report.format(name)).expect(0)
    assert "metric loss is not claimed" in answer.stderr
    assert [m["name"] for m in repo.claims(MANIFEST)["metrics"]] == ["loss"]


def test_a_scaled_stage_sees_what_the_stage_before_left(repo) -> None:
    answer = stage(repo, (*TRAIN, "--smoke", "train.steps=5"), "python", "train.py").expect(0)
    smoke = repo.claims(MANIFEST)["reproductions"][1]
    assert (smoke["name"], smoke["scale"]) == ("smoke-train", {"train.steps": 5}), answer
    assert json.loads(repo.read("out/metrics.json"))["accuracy"] == repo.claims(MANIFEST)["metrics"][0]["value"]
