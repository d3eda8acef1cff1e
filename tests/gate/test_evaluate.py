"""Recorded weights are evaluated again: what only a scaled-down run stands behind is shown to be theirs."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import numpy as np
import pytest
from workbench import Repo, checks, result

from auditor.digest import of_file
from auditor.model.run import DataSource, Run, RunInfo
from auditor.reproduce import other_weights


@pytest.fixture
def evaluated(project: Callable[..., Repo]) -> Repo:
    """A long run, of which two steps are executed again, with an evaluation."""
    return project("evaluated")


def results(report):
    return {each["tier"]: each for run in report["runs"] for each in run["reproductions"]}


def test_the_recorder_tries_the_evaluation_and_the_gate_repeats_it_before_anything_dearer(evaluated):
    evaluation = evaluated.claims()["reproductions"][0]
    assert (evaluation["tier"], evaluation["command"]) == ("evaluate", ["python", "evaluate.py"])
    assert "out/model.npz" in evaluation["inputs"]
    assert evaluation["outputs"] == ["out/predictions.csv"]
    report = evaluated.gate().expect(0).json()
    assert list(results(report)) == ["evaluate", "smoke"]
    found = {c["of"]: c for c in results(report)["evaluate"]["comparisons"]}
    assert found["metric:accuracy"]["agreement"] == "bitwise"
    assert found["predictions:out/predictions.csv"]["agreement"] == "bitwise"
    assert "computed by the auditor" in found["metric:accuracy"]["note"]
    assert result(report, "reproduction/unevaluated-weights")["outcome"] == "passed"


def test_it_gives_metrics_of_the_whole_run_the_level_of_having_come_out_again(evaluated):
    evaluated.checkout("main")
    evaluated.policy(lambda policy: policy["gates"]["merge"].update(require={"metrics": ["re-executed"]}))
    evaluated.commit("Ask for more")
    evaluated.checkout("work")
    evaluated.edit(lambda claims: claims.update(metrics=[m for m in claims["metrics"] if m["name"] == "accuracy"]))
    evaluated.commit("Claim what can be computed")
    passed = checks(evaluated.gate().json(), "passed")
    assert "metrics/insufficient-evidence" in passed


def test_weights_of_another_model_are_found_out(evaluated):
    with np.load(evaluated.root / "out/model.npz") as model:
        weights = dict(model)
    weights["w2"] = weights["w2"][:, ::-1]
    np.savez(evaluated.root / "out/model.npz", **weights)
    digest = of_file(evaluated.root / "out/model.npz")[0]
    evaluated.edit(lambda claims: claims["artifacts"][0].update(digest=digest))
    evaluated.commit("Swap the weights")
    report = evaluated.gate().expect(1).json()
    assert results(report)["evaluate"]["agreement"] == "diverged"
    assert results(report)["smoke"]["agreement"] == "not-exercised", "nothing dearer is executed after that"
    assert "reproduction/diverged-reproduction" in checks(report, "failed")


def test_an_evaluation_that_does_not_look_at_the_weights_shows_nothing(evaluated):
    evaluated.write("kept.csv", evaluated.read("out/predictions.csv"))
    evaluated.write("evaluate.py", "import shutil; shutil.copy('kept.csv', 'out/predictions.csv')\n")
    evaluated.git("rm", "--quiet", "--cached", "-r", "runs", "out")
    for old in evaluated.manifests():
        (evaluated.root / old).unlink()
    evaluated.commit("Can the answers")
    evaluated.record()
    evaluated.commit("Record again")
    report = evaluated.gate().expect(1).json()
    assert "not computed from them" in json.dumps(results(report)["evaluate"])


def test_what_cannot_be_evaluated_is_not_recorded_and_said(project):
    repo = project("evaluated", "started")
    repo.write("evaluate.py", "raise SystemExit('no such model')\n")
    repo.commit("Break it")
    answer = repo.auditor("record", *repo.project.record, "--", "python", "train.py").expect(0)
    assert "no evaluation is recorded" in answer.stderr
    assert [each["name"] for each in repo.claims()["reproductions"]] == ["smoke"]
    assert "evaluate is empty" in repo.auditor("record", "--evaluate", "", "--", "true").expect(2).stderr


@pytest.mark.parametrize("suffix", [".npz", ".npy", ".safetensors", ".joblib"])
def test_other_weights_are_other_numbers_of_the_same_shape_or_none(tmp_path, suffix):
    into = io.BytesIO()
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    if suffix == ".npz":
        np.savez(into, w=values, classes=np.arange(3))
    elif suffix == ".npy":
        np.save(into, values)
    elif suffix == ".safetensors":
        header = json.dumps({"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}).encode()
        into.write(len(header).to_bytes(8, "little") + header + values.tobytes())
    else:
        into.write(b"\x80\x04.")
    place = tmp_path / f"model{suffix}"
    place.write_bytes(into.getvalue())
    shown = {}

    class World:
        def input(self, seen):
            return place if seen == place.name else None

        def replace(self, seen, content):
            shown[seen] = content

    data = (DataSource(name="m", role="parent-weights", path=place.name),)
    other_weights.put(Run(schema="x", run=RunInfo(id="r", status="succeeded"), data=data), World())
    content = shown[place.name]
    if suffix == ".joblib":
        assert content == b""
        return
    assert content != into.getvalue()
    if suffix == ".npz":
        with np.load(io.BytesIO(content)) as changed:
            assert changed["w"].shape == (2, 3)
            assert (changed["w"] != values).all()
            assert (changed["classes"] == np.arange(3)).all()
    elif suffix == ".safetensors":
        assert np.frombuffer(content[-24:], np.float32).tolist() == [5, 4, 3, 2, 1, 0]
