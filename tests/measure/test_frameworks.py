"""The tiers that measure, on a PyTorch loop and on trees of LightGBM."""

from __future__ import annotations

import numpy as np
import pytest
from workbench import Repo

from auditor import digest
from auditor.model.run import Artifact
from auditor.reproduce.segments.trees import claimed_ensemble


@pytest.fixture(scope="module", params=["torch", "lightgbm"])
def framework(request, templates) -> Repo:
    """A recorded run; no test here changes it."""
    return templates(request.param, "recorded")


def reproduced(repo, *options, exits=(0,)):
    answer = repo.auditor("reproduce", repo.manifest, *options, "--format", "json").expect(*exits)
    (run,) = answer.json()["runs"]
    (result,) = run["reproductions"]
    return result


def test_its_segments_are_replayed(framework):
    result = reproduced(framework, "--tier", "segment", "--challenge", "2")
    assert result["agreement"] == "bitwise", result
    assert {c["agreement"] for c in result["comparisons"]} == {"bitwise"}


def test_it_is_explained_step_by_step_or_tree_by_tree(framework):
    result = reproduced(framework, "--explain")
    assert result["agreement"] == "bitwise"
    assert ("all steps are equal" in result["note"]) or ("trees 1 to 30 have the digests" in result["note"])


def test_chaos_finds_nothing_in_trees(templates):
    repo = templates("lightgbm", "recorded")
    answer = repo.auditor("chaos", repo.manifest, "--format", "json").expect(0)
    (result,) = answer.json()["runs"][0]["reproductions"]
    assert {c["agreement"] for c in result["comparisons"]} <= {"bitwise", "within-tolerance", "not-exercised"}, result
    assert any(c["agreement"] == "bitwise" for c in result["comparisons"])


def test_bands_of_trees_are_learned_from_other_seeds(templates):
    repo = templates("lightgbm", "recorded")
    answer = repo.auditor("calibrate", repo.manifest, "--repeats", "3", "--format", "json").expect(0)
    (result,) = answer.json()["runs"][0]["reproductions"]
    found = {c["of"]: c["agreement"] for c in result["comparisons"]}
    assert found["metric:accuracy"] in {"statistically-consistent", "inconclusive"}, result


def test_an_edited_tree_is_named(project):
    """Somebody improves one leaf of the published model, and puts its digest right."""
    repo = project("lightgbm")
    path = repo.project.weights
    before, after = repo.read(path).split("Tree=11\n")
    line = next(line for line in after.splitlines() if line.startswith("leaf_value="))
    first, *others = line.removeprefix("leaf_value=").split()
    better = " ".join([repr(float(first) * 1.01), *others])
    repo.write(path, f"{before}Tree=11\n{after.replace(line, f'leaf_value={better}', 1)}")

    def settle(claims):
        artifact = next(a for a in claims["artifacts"] if a["path"] == path)
        artifact["digest"], artifact["size"] = digest.of_file(repo.root / path)

    repo.edit(settle)
    result = reproduced(repo, "--tier", "segment", exits=(1,))
    assert [(c["of"], c["agreement"]) for c in result["comparisons"]] == [("trees", "bitwise"), ("tree:12", "diverged")]
    assert "tree 12 of 30 is the first that differs" in result["comparisons"][1]["note"]


def test_a_tree_that_nobody_trained_is_no_rounding(project):
    repo = project("lightgbm")
    repo.replace("conf/base.yaml", "trees: 30", "trees: 29")
    repo.commit("Boost one tree less than the record has")
    code = {"commit": repo.git("rev-parse", "HEAD"), "tree": repo.git("rev-parse", "HEAD^{tree}")}
    repo.edit(lambda claims: claims["code"].update(code))
    result = reproduced(repo, "--tier", "segment", exits=(1,))
    assert result["comparisons"][-1]["of"] == "tree:30", result


def test_models_of_xgboost_have_trees_too(tmp_path):
    import xgboost  # noqa: PLC0415  (only here)

    x = np.random.default_rng(1).normal(size=(80, 4))
    booster = xgboost.train({"nthread": 1, "max_depth": 2}, xgboost.DMatrix(x, x[:, 0]), 5)
    for suffix in ("json", "ubj"):
        place = tmp_path / f"model.{suffix}"
        booster.save_model(place)
        model = Artifact(name="model", role="weights", path=place.name, digest=digest.of_file(place)[0])
        ensemble = claimed_ensemble((model,), lambda _, place=place: place)
        assert ensemble is not None
        assert len(ensemble.trees) == 5
        assert any(tree["structure"].size for tree in ensemble.trees)
