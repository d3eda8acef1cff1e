"""``auditor compare`` from the outside: what it prints and how it ends."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import save_file

from auditor.cli.compare import command
from auditor.compare.explain import explain
from auditor.errors import AuditorError


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    weights = {"w": rng.normal(size=(4, 3)).astype("f4"), "b": np.zeros(3, "f4")}
    np.savez("a.npz", **weights)
    save_file(weights, "same.safetensors")
    np.savez("near.npz", w=weights["w"] * np.float32(1 + 1e-6), b=weights["b"])
    np.savez("far.npz", w=weights["w"] + np.float32(0.1), b=weights["b"])
    (tmp_path / "m.json").write_text('{"accuracy": 0.9, "train_seconds": 3}')
    (tmp_path / "n.json").write_text('{"accuracy": 0.8, "train_seconds": 4}')
    (tmp_path / "p.csv").write_text("id,prediction\n1,a\n2,b\n3,b\n4,a\n")
    (tmp_path / "q.csv").write_text("id,prediction\n1,a\n2,b\n3,a\n4,b\n")
    (tmp_path / "r.csv").write_text("id,prediction\n1,a\n2,b\n3,b\n4,b\n")
    (tmp_path / "s.csv").write_text("id,prediction,proba\n1,0,0.1\n2,1,0.5004\n3,1,0.8\n4,1,0.7\n")
    (tmp_path / "t.csv").write_text("id,prediction,proba\n1,0,0.1\n2,0,0.4999\n3,1,0.8\n4,1,0.7\n")
    (tmp_path / "z.csv").write_text("id,label\n1,0\n2,1\n3,1\n4,1\n")
    (tmp_path / "y.csv").write_text("id,label\n1,a\n2,b\n3,b\n4,b\n")
    (tmp_path / "x.pkl").write_bytes(pickle.dumps({"a": 1}))
    return tmp_path


def run(*arguments):
    result = CliRunner().invoke(command, list(arguments))
    if isinstance(result.exception, AuditorError):
        return result.exception.exit, result.exception.message
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["a.npz", "a.npz"], 0, "bitwise: 2 bitwise"),
        (["a.npz", "same.safetensors"], 0, "bitwise"),
        (["a.npz", "near.npz"], 0, "within-tolerance: 1 within-tolerance, 1 bitwise"),
        (["a.npz", "near.npz", "--rtol", "1e-9"], 1, "diverged: 1 diverged, 1 bitwise"),
        (["a.npz", "far.npz"], 1, "diverged"),
        (["a.npz", "far.npz", "--atol", "0.2"], 0, "within-tolerance"),
        (["m.json", "m.json"], 0, "bitwise: 1 bitwise, 1 not-exercised"),
        (["m.json", "n.json"], 1, "metric:accuracy"),
        (["m.json", "n.json", "--atol", "0.2"], 0, "ignored by policy"),
        (["p.csv", "p.csv"], 0, "bitwise"),
        (["p.csv", "q.csv"], 1, "churn 2 of 4 rows"),
        (["p.csv", "q.csv", "--labels", "y.csv", "--metric", "accuracy"], 0, "churn 50.00%"),
        (["p.csv", "r.csv", "--labels", "y.csv", "--metric", "accuracy"], 1, "expected 0.75, actual 1.0"),
        (["p.csv", "r.csv", "--labels", "y.csv", "--metric", "accuracy", "--atol", "0.3"], 0, "within-tolerance"),
        (["s.csv", "t.csv", "--labels", "z.csv", "--metric", "accuracy"], 1, "can turn 1 of 4 decisions"),
        (["p.csv", "q.csv", "--metric", "accuracy"], 4, "no column of labels"),
        (["x.pkl", "x.pkl"], 1, "refused"),
        (["x.pkl", "a.npz"], 1, "never loaded"),
        ([".", "a.npz"], 1, "a directory"),
        (["a.npz", "absent.npz"], 3, "absent.npz"),
        (["p.csv", "q.csv", "--labels", "absent.csv", "--metric", "accuracy"], 3, "absent.csv"),
        (["a.npz", "m.json"], 2, "tensors cannot be compared with figures"),
        (["a.npz", "a.npz", "--explain"], 2, "--explain"),
        (["m.json", "m.json", "--metric", "accuracy"], 2, "--metric"),
        (["p.csv", "p.csv", "--labels", "y.csv"], 2, "--labels needs --metric"),
        (["p.csv", "p.csv", "--metric", "happiness"], 2, "happiness"),
        (["a.npz", "a.npz", "--rtol", "nan"], 2, "--rtol"),
        (["a.npz", "a.npz", "--atol", "-1"], 2, "--atol"),
        (["a.npz", "a.npz", "--rtol", "wide"], 2, "--rtol"),
        (["a.npz", "a.npz", "--what"], 2, "--what"),
        (["a.npz"], 2, "ACTUAL"),
    ],
)
def test_exit_codes_and_what_is_said(here, arguments, code, word):
    exit_code, output = run(*arguments)
    assert word in output
    assert exit_code == code


@pytest.mark.parametrize(
    ("arguments", "agreement"),
    [
        (["a.npz", "far.npz"], "diverged"),
        (["a.npz", "a.npz"], "bitwise"),
        (["x.pkl", "x.pkl"], "refused"),
        (["p.csv", "p.csv", "--metric", "accuracy"], "inconclusive"),
    ],
)
def test_json(here, arguments, agreement):
    code, output = run(*arguments, "--format", "json")
    document = json.loads(output)
    assert list(document) == ["schema", "agreement", "comparisons"]
    assert document["schema"] == "auditor/comparison/v1"
    assert document["agreement"] == agreement
    assert code == {"diverged": 1, "bitwise": 0, "refused": 1, "inconclusive": 4}[agreement]
    assert set(document["comparisons"][0]) == {
        "of", "agreement", "expected", "actual", "tolerance", "excess", "detectable", "first", "worst", "curve", "note",
    }  # fmt: skip


def test_eighty_columns_worst_first_and_no_escape_sequences(here):
    name = "layer\x1b[31m.\n" + "x" * 200
    np.savez(here / "e.npz", **{name: np.ones(2), "fine": np.ones(2)})
    np.savez(here / "f.npz", **{name: np.zeros(2), "fine": np.ones(2)})
    _, output = run("e.npz", "f.npz")
    lines = output.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert lines[0].startswith("  diverged")
    assert "\x1b" not in output
    assert "\\x1b[31m" in output


def test_a_long_list_is_cut_and_counted(here):
    np.savez(here / "many.npz", **{f"w{n:03}": np.ones(2) for n in range(100)})
    _, output = run("many.npz", "many.npz")
    assert "and 60 more: 60 bitwise" in output
    assert output.splitlines()[-1] == "bitwise: 100 bitwise"


def test_nothing_heavy_is_loaded_before_it_is_needed():
    code = (
        "import sys, auditor.cli.compare; light = set(sys.modules); "
        "from auditor.compare import anything; "
        "print(*sorted({'numpy', 'deepdiff', 'rich', 'sklearn'} & set(sys.modules)), 'auditor.compare.anything' in light)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_explained_differences_are_grouped_and_matched_by_identity():
    expected = {
        "data": [{"name": "train", "digest": "sha256:1"}, {"name": "test", "digest": "sha256:2"}],
        "configuration": {"effective": {"lr": 0.1, "epochs": 3}},
        "randomness": {"seeds": {"model": {"value": 1, "at": "/seed"}}},
        "metrics": [{"name": "accuracy", "split": "test", "value": 0.9}],
    }
    actual = {
        "data": [{"name": "extra", "digest": "sha256:3"}, {"name": "train", "digest": "sha256:9"}, expected["data"][1]],
        "configuration": {"effective": {"lr": 0.2, "epochs": 3.0}},
        "randomness": {"seeds": {"model": {"value": 2, "at": "/seed"}}},
        "metrics": [{"name": "accuracy", "split": "test", "value": 0.8}],
    }
    found = {group: [(d.at, d.expected, d.actual) for d in items] for group, items in explain(expected, actual).items()}
    assert found == {
        "data": [
            ("/data/extra", None, {"name": "extra", "digest": "sha256:3"}),
            ("/data/train/digest", "sha256:1", "sha256:9"),
        ],
        "code": [],
        "environment": [],
        "configuration": [("/configuration/effective/lr", 0.1, 0.2)],
        "seeds": [("/randomness/seeds/model/value", 1, 2)],
        "outputs": [("/metrics/accuracy (test)/value", 0.9, 0.8)],
        "other": [],
    }
    assert not any(explain(expected, expected).values())


def test_large_files_leave_a_small_footprint(here):
    np.save(here / "big.npy", np.ones(2_000_000))
    code = """
import resource
from pathlib import Path
from auditor.compare import weights
from auditor.compare.anything import Options, compare
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
compare(Path("big.npy"), Path("big.npy"), Options())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 12 << 10  # KiB; the two files are 32 MB


MANIFEST = """\
schema: auditor/run-manifest/v1
run: {{id: {id}, status: succeeded}}
configuration: {{effective: {{lr: {lr}}}}}
randomness: {{seeds: {{model: {{value: {seed}, at: /seed}}}}}}
metrics:
  - {{name: accuracy, split: test, value: {accuracy}}}
  - {{name: train_seconds, value: {seconds}}}
"""


@pytest.fixture
def manifests(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.run.yaml").write_text(MANIFEST.format(id="a", lr=0.1, seed=1, accuracy=0.9, seconds=1.0))
    (tmp_path / "b.run.yaml").write_text(MANIFEST.format(id="b", lr=0.2, seed=1, accuracy=0.9, seconds=2.0))
    (tmp_path / "c.run.yaml").write_text(MANIFEST.format(id="c", lr=0.1, seed=2, accuracy=0.8, seconds=1.0))
    return tmp_path


def test_manifests_are_compared_by_their_metrics(manifests):
    code, output = run("a.run.yaml", "b.run.yaml")
    assert code == 0
    assert output.splitlines()[-1] == "bitwise: 1 bitwise, 1 not-exercised"
    code, output = run("a.run.yaml", "c.run.yaml")
    assert code == 1
    assert "metric:accuracy (test)" in output
    assert "seeds" not in output


def test_explained_manifests_name_the_claims_that_differ(manifests):
    _, output = run("a.run.yaml", "c.run.yaml", "--explain")
    assert "seeds: 1 difference\n  /randomness/seeds/model/value: 1 -> 2\n" in output
    assert "configuration: no differences" in output
    code, output = run("a.run.yaml", "b.run.yaml", "--explain", "--format", "json")
    assert code == 0
    differences = json.loads(output)["differences"]
    assert differences["configuration"] == [{"at": "/configuration/effective/lr", "expected": 0.1, "actual": 0.2}]
    assert differences["data"] == []


def test_a_json_manifest_is_told_from_figures(manifests):
    text = {"schema": "auditor/run-manifest/v1", "run": {"id": "j", "status": "succeeded"}}
    text["metrics"] = [{"name": "accuracy", "split": "test", "value": 0.9}]
    (manifests / "j.run.json").write_text(json.dumps(text))
    code, output = run("a.run.yaml", "j.run.json")
    assert code == 0
    assert "metric:accuracy (test)" in output


def test_manifests_without_metrics_agree_about_nothing(manifests):
    (manifests / "e.run.yaml").write_text("schema: auditor/run-manifest/v1\nrun: {id: e, status: failed}\n")
    assert run("e.run.yaml", "e.run.yaml")[0] == 4


def test_what_is_no_manifest_is_an_error_with_its_place(manifests):
    (manifests / "bad.yaml").write_text("a: 1\na: 2\n")
    code, message = run("a.run.yaml", "bad.yaml")
    assert code == 1
    assert message


def test_the_first_and_the_worst_place_and_the_update_from_a_starting_point(here):
    end, start = np.zeros((4, 3), "f4"), np.full((4, 3), -1, "f4")
    other = end.copy()
    other[1, 2], other[3, 0] = 0.25, -0.5
    for name, weights in (("end", end), ("other", other), ("start", start)):
        np.savez(f"{name}.npz", w=weights)
    code, output = run("end.npz", "other.npz", "--from", "start.npz", "--format", "json")
    (found,) = json.loads(output)["comparisons"]
    assert (code, found["first"], found["worst"]) == (1, "[1, 2]", "[3, 0]")
    assert (found["expected"], found["actual"]) == (0.0, -0.5)
    rho = (0.25**2 + 0.5**2) ** 0.5 / 12**0.5
    assert found["note"].endswith(f"; rho {rho:.3g} of its update in training")
    code, output = run("p.csv", "q.csv", "--format", "json")
    (found,) = json.loads(output)["comparisons"]
    assert (found["first"], found["worst"]) == ("row 3, prediction", "row 3, prediction")
    other[0, 1] = np.nan
    np.savez("nan.npz", w=other)
    (found,) = json.loads(run("end.npz", "nan.npz", "--format", "json")[1])["comparisons"]
    assert (found["first"], found["worst"]) == ("[0, 1]", "[0, 1]")
