from __future__ import annotations

import pytest

from auditor.compare.tolerance import (
    chosen_tolerance,
    is_ignored,
    metric_tolerance,
    prediction_tolerance,
    tensor_tolerance,
)
from auditor.errors import UsageError
from auditor.model.policy import Pair, Tolerances


def test_the_most_specific_pattern_wins_whatever_the_order():
    rules = {
        "*": Pair(absolute=1.0),
        "test_*": Pair(absolute=0.1),
        "test_acc*": Pair(absolute=0.01),
        "acc[0]": Pair(absolute=7.0),
    }
    for metrics in (rules, dict(reversed(rules.items()))):
        tolerances = Tolerances(metrics=metrics)
        assert metric_tolerance(tolerances, "test_accuracy").absolute == 0.01
        assert metric_tolerance(tolerances, "test_loss").absolute == 0.1
        assert metric_tolerance(tolerances, "loss").absolute == 1.0
        assert metric_tolerance(tolerances, "acc[0]").absolute == 7.0  # the name itself, not a set of characters


def test_no_matching_pattern_means_exact():
    tolerance = metric_tolerance(Tolerances(metrics={"loss": Pair(absolute=1.0)}), "accuracy")
    assert (tolerance.absolute, tolerance.relative) == (0, 0)
    assert tensor_tolerance(Tolerances(tensors={}), "w", "float32", same_executor=False).allows(5.0) == 0


def test_figures_that_are_no_claims_are_known():
    assert is_ignored(Tolerances(), "train_seconds")
    assert is_ignored(Tolerances(), "peak_memory_mb")
    assert not is_ignored(Tolerances(), "accuracy")


@pytest.mark.parametrize(
    ("dtype", "relative", "absolute"),
    [("float64", 1e-9, 1e-12), ("float32", 1e-4, 1e-6), ("bfloat16", 1.6e-2, 1e-3), ("int64", 0, 0), ("bool", 0, 0)],
)
def test_auto_depends_on_dtype_and_executor(dtype, relative, absolute):
    other = tensor_tolerance(Tolerances(), "w", dtype, same_executor=False)
    assert (other.relative, other.absolute) == (relative, absolute)
    same = tensor_tolerance(Tolerances(), "w", dtype, same_executor=True)
    assert (same.relative, same.absolute, same.source) == (0, 0, "same executor class")


def test_a_pair_of_the_policy_counts_on_the_same_executor_too():
    tolerances = Tolerances(tensors={"*": "auto", "head.*": Pair(relative=0.5)})
    assert tensor_tolerance(tolerances, "head.bias", "float32", same_executor=True).relative == 0.5
    assert prediction_tolerance(tolerances, "head.csv", same_executor=True).relative == 0.5
    assert prediction_tolerance(tolerances, "p.csv", same_executor=True).relative == 0
    assert prediction_tolerance(tolerances, "p.csv", same_executor=False).relative == 1e-5


def test_the_command_line_chooses_one_both_or_the_dtype_default():
    assert chosen_tolerance("float32", relative=None, absolute=None).absolute == 1e-5
    assert chosen_tolerance("int32", relative=None, absolute=None).allows(1e9) == 0
    alone = chosen_tolerance("float32", relative=0.1, absolute=None)
    assert (alone.relative, alone.absolute) == (0.1, 0)
    zero = chosen_tolerance("float32", relative=None, absolute=0.0)
    assert (zero.relative, zero.absolute) == (0, 0)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1.0])
def test_a_tolerance_that_could_not_fail_is_wrong_usage(number):
    with pytest.raises(UsageError):
        chosen_tolerance("float32", relative=number, absolute=None)
