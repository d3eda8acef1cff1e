from __future__ import annotations

import json
import os
import pickle

import numpy as np
import pytest

from auditor.compare.files import compare_artifact
from auditor.compare.summary import agreement, counts, worst_first
from auditor.model.comparison import Comparison
from auditor.model.policy import Pair, Tolerances
from auditor.model.words import Agreement


def compare(left, right, role, *, same_executor=False, tolerances=None):
    return compare_artifact(
        left, right, path="out/x", role=role, tolerances=tolerances or Tolerances(), same_executor=same_executor
    )


def files(tmp_path, left, right, suffix):
    paths = tmp_path / f"left{suffix}", tmp_path / f"right{suffix}"
    for path, content in zip(paths, (left, right), strict=True):
        path.write_bytes(content)
    return paths


@pytest.mark.parametrize("role", ["weights", "predictions", "metrics", "log", "other"])
def test_equal_bytes_are_bitwise_whatever_they_are(tmp_path, role):
    (result,) = compare(*files(tmp_path, b"\x80\x04N.", b"\x80\x04N.", ".pkl"), role)
    assert (result.of, result.agreement) == ("file:out/x", Agreement.BITWISE)


@pytest.mark.parametrize("role", ["weights", "predictions", "metrics", "labels"])
def test_two_empty_files_claim_nothing(tmp_path, role):
    assert agreement(compare(*files(tmp_path, b"", b"", ".csv"), role)) is Agreement.INCONCLUSIVE


@pytest.mark.parametrize("role", ["log", "plot", "trace", "other"])
def test_a_log_that_differs_neither_diverges_nor_agrees(tmp_path, role):
    results = compare(*files(tmp_path, b"started 10:00", b"started 11:00", ".log"), role)
    assert [result.agreement for result in results] == [Agreement.NOT_EXERCISED]
    assert agreement(results) is Agreement.NOT_EXERCISED
    good = Comparison(of="metric:accuracy", agreement=Agreement.BITWISE)
    assert agreement([*results, good]) is Agreement.BITWISE


class Bomb:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("suffix", [".pkl", ".joblib", ".pt"])
def test_unequal_pickles_are_inconclusive_with_advice_and_never_loaded(tmp_path, suffix):
    effect = tmp_path / "effect"
    paths = files(tmp_path, pickle.dumps(Bomb(effect)), pickle.dumps([Bomb(effect)]), suffix)
    (result,) = compare(*paths, "weights")
    assert result.agreement is Agreement.INCONCLUSIVE
    assert "safetensors" in result.note
    assert not effect.exists()


def test_weights_by_dtype_and_executor(tmp_path):
    np.savez(tmp_path / "a.npz", w=np.ones(3, "f4"), n=np.arange(3))
    np.savez(tmp_path / "b.npz", w=np.ones(3, "f4") * np.float32(1.00001), n=np.arange(3))
    other = compare(tmp_path / "a.npz", tmp_path / "b.npz", "weights")
    assert agreement(other) is Agreement.WITHIN_TOLERANCE
    same = compare(tmp_path / "a.npz", tmp_path / "b.npz", "weights", same_executor=True)
    assert agreement(same) is Agreement.DIVERGED
    allowed = Tolerances(tensors={"*": "auto", "w": Pair(relative=0.1)})
    assert agreement(compare(tmp_path / "a.npz", tmp_path / "b.npz", "weights", same_executor=True, tolerances=allowed)) is (
        Agreement.WITHIN_TOLERANCE
    )


def test_the_patterns_of_the_policy_reach_an_array_without_a_name(tmp_path):
    np.save(tmp_path / "a.npy", np.ones(3))
    np.save(tmp_path / "b.npy", np.ones(3) * 1.01)
    allowed = Tolerances(tensors={"*": "auto", "out/*": Pair(relative=0.1)})
    assert agreement(compare(tmp_path / "a.npy", tmp_path / "b.npy", "weights", tolerances=allowed)).outcome == "passed"
    assert agreement(compare(tmp_path / "a.npy", tmp_path / "b.npy", "predictions")) is Agreement.DIVERGED


def test_float32_probabilities_from_another_machine_agree(tmp_path):
    left = b"id,proba\n1,0.12345678\n2,0.5\n"
    right = b"id,proba\n1,0.12345679\n2,0.50000006\n"
    assert agreement(compare(*files(tmp_path, left, right, ".csv"), "predictions")) is Agreement.WITHIN_TOLERANCE
    same = compare(*files(tmp_path, left, right, ".csv"), "predictions", same_executor=True)
    assert agreement(same) is Agreement.DIVERGED
    assert agreement(compare(*files(tmp_path, left, right, ".csv"), "labels")) is Agreement.DIVERGED


def test_metrics_figure_by_figure(tmp_path):
    left, right = {"accuracy": 0.9, "train_seconds": 1.0}, {"accuracy": 0.9, "train_seconds": 2.0}
    paths = files(tmp_path, json.dumps(left).encode(), json.dumps(right).encode(), ".json")
    results = compare(*paths, "metrics")
    assert agreement(results) is Agreement.BITWISE
    assert [result.of for result in results if not counts(result)] == ["metric:train_seconds"]
    paths = files(tmp_path, b'{"accuracy": 0.9}', b'{"accuracy": 0.8}', ".json")
    assert agreement(compare(*paths, "metrics")) is Agreement.DIVERGED
    assert agreement(compare(*files(tmp_path, b"{}", b"{ }", ".json"), "metrics")) is Agreement.INCONCLUSIVE


def test_what_is_missing_or_cannot_be_read(tmp_path):
    left, right = files(tmp_path, b'{"a": 1}', b"{", ".json")
    assert agreement(compare(left, right, "metrics")) is Agreement.REFUSED
    assert agreement(compare(left, tmp_path / "absent", "weights")) is Agreement.DIVERGED
    assert agreement(compare(tmp_path / "absent", left, "weights")) is Agreement.INCONCLUSIVE
    assert agreement(compare(left, tmp_path, "weights")) is Agreement.REFUSED
    unknown = files(tmp_path, b"\x08\x07", b"\x08\x08", ".tflite")
    assert agreement(compare(*unknown, "weights")) is Agreement.INCONCLUSIVE
    parquet = files(tmp_path, b"PAR1a", b"PAR1b", ".parquet")
    assert agreement(compare(*parquet, "predictions")) is Agreement.REFUSED  # damaged, not merely unknown


def test_the_worst_comes_first_and_what_does_not_count_last():
    def one(of, agreement, excess=None):
        return Comparison(of=of, agreement=agreement, excess=excess)

    given = [
        one("file:log", Agreement.NOT_EXERCISED),
        one("metric:a", Agreement.BITWISE, 0.0),
        one("metric:b", Agreement.DIVERGED, 2.0),
        one("metric:c", Agreement.DIVERGED, 5.0),
        one("metric:d", Agreement.DIVERGED),
        one("tensor:x#", Agreement.NOT_EXERCISED),
    ]
    assert [c.of for c in worst_first(given)] == ["metric:d", "metric:c", "metric:b", "tensor:x#", "metric:a", "file:log"]
