from __future__ import annotations

import pytest

from auditor.compare.bands import read_bands
from auditor.compare.statistics.interval import factor


def calibrated(repo, *options, exits=(0,)):
    answer = repo.auditor("calibrate", repo.manifest, "--repeats", "3", "--format", "json", *options).expect(*exits)
    (result,) = answer.json()["runs"][0]["reproductions"]
    return result, {c["of"]: c for c in result["comparisons"]}


def test_bands_are_learned_remembered_and_count_when_the_policy_names_them(repo):
    _, found = calibrated(repo, "--power")
    assert found["metric:accuracy"]["detectable"] > 0
    assert "80 % power" in found["metric:accuracy"]["note"]
    assert {of for of in found if of.startswith("replica:")} == {
        "replica:a fifth of the training rows dropped",
        "replica:learning rate 10 % higher",
    }
    (path,) = (repo.root / "bands").iterdir()
    bands = read_bands(path.read_bytes(), source=path.name)
    band = next(b for b in bands.bands if b.of == "metric:accuracy")
    assert (band.n, band.factor) == (3, pytest.approx(factor(3)))
    assert bands.varied == ("seed",)
    # The same again costs nothing, and one more repeat costs one execution.
    again, _ = calibrated(repo)
    assert "0 executions" in again["note"]
    # The policy takes the file.
    repo.policy(lambda policy: policy.update(bands=[f"bands/{path.name}"]))
    repo.auditor("check").expect(0, 1)


def test_the_policy_names_unusual_learning_rates(project):
    repo = project("loop")
    _, found = calibrated(repo, "--power")
    assert "nothing that could be changed" in found["replica:learning rate 10 % higher"]["note"]
    repo.policy(lambda policy: policy.update(power={"learning-rates": ["rate"]}))
    _, found = calibrated(repo, "--power")
    assert found["replica:learning rate 10 % higher"]["agreement"] != "not-exercised"


def test_the_spread_of_few_repeats_is_pooled_with_that_of_earlier_runs(repo):
    calibrated(repo)
    (first,) = (repo.root / "bands").iterdir()
    repo.policy(lambda policy: policy.update(bands=[f"bands/{first.name}"]))
    repo.edit(lambda claims: claims["run"].update(purpose="another run"))
    calibrated(repo, "--out", "bands/second.band.yaml")
    one, two = (
        {b.of: b for b in read_bands((repo.root / "bands" / name).read_bytes(), source=name).bands}["metric:accuracy"]
        for name in (first.name, "second.band.yaml")
    )
    assert (one.df, two.df) == (None, 4)
    assert two.s == pytest.approx(one.s)  # the same figures again
    assert two.factor == pytest.approx(factor(3, df=4))
    assert two.factor < one.factor
    # Repeats of one and the same run are no further evidence.
    calibrated(repo, "--out", "bands/third.band.yaml")
    repo.policy(lambda policy: policy.update(bands=["bands/third.band.yaml"]))
    calibrated(repo, "--out", "bands/fourth.band.yaml")
    fourth = read_bands((repo.root / "bands/fourth.band.yaml").read_bytes(), source="fourth")
    assert next(b for b in fourth.bands if b.of == "metric:accuracy").df is None


def test_a_claim_that_is_too_good_for_its_seeds_is_called_picked(repo):
    def boast(claims):
        for metric in claims["metrics"]:
            if metric["name"] == "accuracy":
                metric["value"] = 3.0

    repo.edit(boast)
    _, found = calibrated(repo)
    assert found["metric:accuracy"]["agreement"] == "diverged"
    assert "too good to be one of these seeds" in found["metric:accuracy"]["note"]


def test_a_run_without_seeds_cannot_be_calibrated(repo):
    repo.edit(lambda claims: claims["randomness"].update(seeds={}))
    answer = repo.auditor("calibrate", repo.manifest).expect(4)
    assert "nothing that could be changed" in answer.stderr


def test_bands_stay_in_the_repository(repo):
    answer = repo.auditor("calibrate", repo.manifest, "--out", "../elsewhere.yaml").expect(2)
    assert "outside the repository" in answer.stderr


def elsewhere(claims):
    """Say that the run was recorded on a machine of another class."""
    claims["environment"]["executor"]["class"] = "cpu-of-another-kind"


def test_on_one_class_of_executors_weights_and_curves_stay_exact(repo):
    _, found = calibrated(repo)
    assert not [of for of in found if of.startswith(("tensor:", "trace:"))]


def test_between_two_classes_kernels_teach_bands_of_weights_and_curves(project):
    repo = project("loop", "started")
    repo.replace("train.py", 'np.savez(out / "model.npz", w=w)', 'np.savez(out / "model.npz", w=w, shift=np.ones(2))')
    repo.commit("Save what no kernel moves, too")
    repo.record()
    repo.edit(elsewhere)
    result, found = calibrated(repo)
    assert "3 other kernels moved 2 of " in result["note"]
    assert "tensor:shift" not in found
    (path,) = (repo.root / "bands").iterdir()
    bands = {b.of: b for b in read_bands(path.read_bytes(), source=path.name).bands}
    assert 0 < bands["tensor:w"].absolute < 1e-6
    assert bands["trace:loss"].horizon > 0
    assert 0 < bands["trace:loss"].relative <= 1e-3
    curve = found["trace:loss"]["curve"]
    assert len(curve["steps"]) == len(curve["allowed"]) > 2
    # They count once the policy names the file, in place of the table; another numeric stack ends them.
    repo.policy(lambda policy: policy.update(bands=[f"bands/{path.name}"]))
    ours = begun(repo)
    assert ours["tolerance"]["source"] == "band: loss, 3 repeats"
    repo.edit(lambda claims: claims["environment"]["executor"]["features"].update(packages={"numpy": "1.0"}))
    assert begun(repo)["tolerance"]["source"].startswith("default table")


def begun(repo):
    answer = repo.auditor("reproduce", repo.manifest, "--tier", "prefix", "--steps", "20", "--format", "json").expect(0)
    (result,) = answer.json()["runs"][0]["reproductions"]
    return next(c for c in result["comparisons"] if c["of"].endswith("loss"))
