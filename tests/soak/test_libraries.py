"""What reruns and thread counts change in real libraries, and whether the auditor finds it out.

With another thread count trees of LightGBM are bitwise the same; CatBoost's differ in the seventh digit, from about ten
thousand rows on. The linear booster of XGBoost updates coordinates in a race by default, and is not the same twice.
"""

from __future__ import annotations

import json

from workbench import Repo


def reproductions(report):
    return {each["tier"]: each for run in report["runs"] for each in run["reproductions"]}


def _boosted(project, library: str, **values) -> Repo:
    repo = project("boosted", "started")
    given = {"library": library, "seed": 9, "rounds": 12, "threads": 1} | values
    repo.write("conf/base.yaml", json.dumps(given) + "\n")
    repo.commit("Choose a library")
    return repo


def _recorded(repo: Repo, weights: str | None, name: str) -> str:
    outputs = ["--out", "out/predictions.csv", *(["--out", weights] if weights else []), "--metrics", "out/metrics.json"]
    data = ["--data", "train=data/train.csv", "--data", "test=data/test.csv", "--config", "conf/base.yaml"]
    path = f"runs/{name}.run.yaml"
    repo.auditor("record", "--manifest", path, *data, *outputs, "--", "python", "train.py").expect(0)
    return path


def test_catboost_gives_other_figures_with_two_threads_though_each_count_repeats(project):
    repo = _boosted(project, "catboost", synthetic=12000)  # with a few thousand rows two threads change nothing
    one = _recorded(repo, None, "one")
    kept = repo.write("one.csv", repo.read("out/predictions.csv"))
    repo.commit("Record a run")
    assert reproductions(repo.gate().json())["smoke"]["agreement"] == "bitwise"
    repo.replace("conf/base.yaml", '"threads": 1', '"threads": 2')
    repo.commit("Use two threads")
    two = _recorded(repo, None, "two")
    figures = [{m["name"]: m["value"] for m in repo.claims(path)["metrics"]} for path in (one, two)]
    assert figures[0]["log_loss"] != figures[1]["log_loss"]
    assert repo.auditor("compare", str(kept), "out/predictions.csv").exit == 1


def test_xgboost_linear_with_two_threads_is_not_repeatable_and_that_is_said(project):
    repo = _boosted(project, "xgboost-linear", threads=2, copies=20, rounds=30)
    _recorded(repo, None, "shotgun")
    repo.commit("Record a run")
    report = repo.gate().json()
    found = reproductions(report)["smoke"]
    assert report["verdict"] != "open", found
    assert found["agreement"] == "diverged"
    assert "not bitwise repeatable" in found["note"]
    repo.replace("conf/base.yaml", '"threads": 2', '"threads": 2, "more": {"updater": "coord_descent"}')
    repo.commit("Take the updater that repeats")
    _recorded(repo, None, "descent")
    repo.commit("Record a run")
    report = repo.gate("runs/descent.run.yaml").expect(0).json()
    assert reproductions(report)["smoke"]["agreement"] == "bitwise"


def test_two_threads_change_nothing_in_trees(project):
    repo = _boosted(project, "lightgbm")
    _recorded(repo, "out/model.txt", "one")
    before = repo.read("out/predictions.csv")
    repo.replace("conf/base.yaml", '"threads": 1', '"threads": 2')
    repo.commit("Use two threads")
    _recorded(repo, "out/model.txt", "two")
    assert repo.read("out/predictions.csv") == before
