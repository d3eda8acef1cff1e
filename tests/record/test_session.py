from __future__ import annotations

import ast
import json
import signal
import subprocess
import sys

import pytest
from workbench import Answer, Repo, load_yaml

from auditor.errors import UsageError
from auditor.manifest.reader import read_file
from auditor.manifest.validate import violations
from auditor.record.session import Recording

SCRIPT = """
import json, sys
import helper
import auditor
with auditor.record(
    name="api", config="conf.yaml", data={"train": "data/train.csv"}, out=["out/model.json"], metrics="out/metrics.json"
) as run:
    rows = open("data/train.csv").read().splitlines()
    run.seed("seed", run.config["seed"])
    run.seed("elsewhere", 99)
    for step in range(3):
        run.metric("loss", 1 / (step + 1), step=step)
    run.metric("accuracy", 0.97, step=10, split="test")
    if len(sys.argv) > 1:
        raise {"key": KeyboardInterrupt, "bad": ValueError, "exit": SystemExit}[sys.argv[1]](3)
    json.dump({"rows": len(rows), "seed": run.config["seed"]}, open("out/model.json", "w"))
"""


@pytest.fixture
def repo(repository: Repo) -> Repo:
    repository.write("train.py", SCRIPT)
    repository.write("helper.py", "VALUE = 1\n")
    repository.write("conf.yaml", "seed: 3\n")
    repository.write("data/train.csv", "id,x\n1,2\n")
    repository.write(".gitignore", "__pycache__/\n")
    repository.commit()
    return repository


def run(repo: Repo, *arguments: str, script: str = "train.py") -> Answer:
    done = subprocess.run(
        [sys.executable, script, *arguments], cwd=repo.root, env=repo.env, capture_output=True, text=True, check=False
    )
    return Answer(arguments, done.returncode, done.stdout, done.stderr)


def claims(repo: Repo, path: str | None = None) -> dict:
    path = path or repo.manifest
    assert violations(read_file(repo.root / path).value, "run-manifest") == []
    return load_yaml(repo.read(path))


def test_a_script_records_itself(repo) -> None:
    answer = run(repo).expect(0)
    assert answer.stderr.splitlines()[-1] == repo.manifest
    assert repo.manifest.endswith("-api.run.yaml")
    found = claims(repo)
    assert found["run"]["status"] == "succeeded"
    assert found["code"]["entrypoint"] == [sys.executable, "train.py"]
    assert found["code"]["dirty"] is False
    assert found["configuration"]["effective"] == {"seed": 3}
    assert found["randomness"] == {
        "seeds": {"seed": {"value": 3, "at": "/seed"}},
        "flags": {"seed.elsewhere": 99},
    }
    assert "elsewhere=99 stands in no configuration" in answer.stderr
    assert {a["path"]: a["role"] for a in found["artifacts"]} == {"out/model.json": "other", "out/metrics.json": "metrics"}
    loss, accuracy = found["metrics"]
    assert (loss["name"], loss["value"], loss["step"]) == ("loss", 1 / 3, 2)
    assert (accuracy["value"], accuracy["step"], accuracy["split"]) == (0.97, 10, "test")
    assert [r["path"] for r in found["observed"]["reads"]] == ["data/train.csv", "helper.py", "train.py"]
    assert found["observed"]["method"] == "audit-hook"
    assert "from the entry of auditor.record on" in found["extensions"]["auditor"]["observed"]
    (smoke,) = found["reproductions"]
    assert smoke["command"] == found["code"]["entrypoint"]
    assert "ml-run-auditor" not in found["environment"].get("packages", {})
    assert "msgspec" not in found["environment"].get("packages", {})


def test_its_smoke_reproduction_comes_out_the_same(repo) -> None:
    run(repo).expect(0)
    repo.commit("Record a run")
    report = repo.auditor("reproduce", repo.manifest, "--isolation", "none", "--format", "json").json()
    (smoke,) = report["runs"][0]["reproductions"]
    found = {c["of"]: c["agreement"] for c in smoke["comparisons"]}
    assert found["metric:loss"] == found["metric:accuracy"] == "bitwise", smoke
    assert smoke["agreement"] == "bitwise"
    assert repo.manifests() == [repo.manifest]


@pytest.mark.parametrize(
    ("argument", "status", "code"), [("bad", "failed", 1), ("exit", "failed", 3), ("key", "interrupted", -signal.SIGINT)]
)
def test_how_it_ends_is_recorded_and_goes_on(repo, argument, status, code) -> None:
    answer = run(repo, argument).expect(code, 130 if code < 0 else code)
    found = claims(repo)
    assert found["run"]["status"] == status
    assert "reproductions" not in found
    if argument == "bad":
        assert "ValueError: 3" in answer.stderr


def test_under_the_recorder_it_only_passes_figures_on(repo) -> None:
    options = ("--config", "conf.yaml", "--data", "train=data/train.csv", "--out", "out/model.json")
    repo.auditor("record", *options, "--", sys.executable, "train.py").expect(0)
    found = claims(repo)  # the only one
    assert {m["name"]: m["value"] for m in found["metrics"]} == {"loss": 1 / 3, "accuracy": 0.97}
    assert [m.get("step") for m in found["metrics"]] == [2, 10]
    assert {a["role"] for a in found["artifacts"]} == {"other", "metrics"}
    assert found["run"]["id"].endswith("-train")


def test_steps_go_to_a_trace_line_by_line(repo) -> None:
    repo.replace("train.py", "out/metrics.json", "out/metrics.jsonl")
    repo.commit()
    for _ in range(2):  # an old trace is not added to
        run(repo).expect(0)
        lines = [json.loads(line) for line in repo.read("out/metrics.jsonl").splitlines()]
        assert lines == [*({"step": s, "loss": 1 / (s + 1)} for s in range(3)), {"step": 10, "accuracy": 0.97}]
    found = claims(repo, repo.manifests()[-1])
    assert [(m["name"], m["step"]) for m in found["metrics"]] == [("loss", 2), ("accuracy", 10)]
    assert {a["role"] for a in found["artifacts"]} == {"other", "trace"}


def test_what_would_be_worthless_is_refused_at_the_entry(repo) -> None:
    repo.write("helper.py", "VALUE = 2\n")
    answer = run(repo).expect(1)
    assert "UsageError: uncommitted changes: helper.py" in answer.stderr
    assert "commit them" in answer.stderr
    assert repo.manifests() == []
    assert not (repo.root / "out/model.json").exists()


def test_the_process_is_left_as_it_was(repo) -> None:
    text = SCRIPT + (
        "\nimport os\nassert not [n for n in os.environ if n.startswith('AUDITOR')], os.environ"
        "\nassert 'PYTHONPATH' not in os.environ\nopen('data/train.csv').read()\n"
    )
    repo.write("train.py", text)
    repo.commit()
    run(repo).expect(0)


def test_children_are_observed_too(repo) -> None:
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'open(\"conf.yaml\").read()'], check=True)"
    repo.replace("train.py", "    rows = open", f"    {child}\n    rows = open")
    repo.commit()
    run(repo).expect(0)
    assert "conf.yaml" in [r["path"] for r in claims(repo)["observed"]["reads"]]


def test_an_interactive_session_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(sys, "orig_argv", [sys.executable])
    monkeypatch.delenv("AUDITOR_RECORDING", raising=False)
    with pytest.raises(UsageError, match="interactive"):
        Recording().__enter__()


def test_what_is_no_number_is_no_metric() -> None:
    with pytest.raises(TypeError, match="is no number"):
        Recording().metric("accuracy", "0.97")


def test_the_name_stays_callable_whatever_is_imported() -> None:
    import auditor.record.run  # noqa: PLC0415

    assert isinstance(auditor.record(name="x"), Recording)
    with pytest.raises(AttributeError):
        _ = auditor.nonsense
    with pytest.raises(AttributeError):
        _ = auditor.record.nonsense


def test_a_script_that_is_recorded_anyway_pays_for_no_recorder(repo) -> None:
    """Under ``auditor record`` and in a verifier the interface is a few lines of its own."""
    text = "import os, sys; os.environ['AUDITOR_RECORDING'] = '/nowhere'\nimport auditor\nwith auditor.record() as run:"
    text += " run.metric('a', 1)\nprint(sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", text], cwd=repo.root, env=repo.env, capture_output=True, check=True)
    assert not {"msgspec", "yaml", "click", "numpy", "jsonschema"} & set(ast.literal_eval(done.stdout.decode()))
