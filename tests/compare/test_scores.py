"""Metrics of probabilities and scores against scikit-learn, and probabilities that are none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from auditor.compare.counts import confusion
from auditor.compare.errors import Unrecomputable
from auditor.compare.formulas import compute, kind_of
from auditor.compare.recompute import recompute
from auditor.compare.samples import Sample
from auditor.model.run import MetricColumns, MetricParameters

CLOSE = {"rel": 1e-11, "abs": 1e-12}
CLASSES = ["ant", "bee", "cat"]


def text(values):
    return [repr(float(value)) for value in values]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0, 0.1, 0.25, 0.5, 0.5000001, 0.9, 1])), min_size=2, max_size=40))
@settings(max_examples=100, deadline=None)
def test_binary_scores_as_scikit_learn_computes_them(rows):
    truth, scores = [int(one) for one, _ in rows], [score for _, score in rows]
    sample = Sample(labels=list(map(str, truth)), probabilities=text(scores))
    assert compute(kind_of("brier"), sample) == pytest.approx(sk.brier_score_loss(truth, scores, pos_label=1), **CLOSE)
    if len(set(truth)) == 1:
        with pytest.raises(Unrecomputable, match="rows of the class"):
            compute(kind_of("roc_auc"), sample)
        return
    assert compute(kind_of("roc_auc"), sample) == pytest.approx(sk.roc_auc_score(truth, scores), **CLOSE)
    assert compute(kind_of("average_precision"), sample) == pytest.approx(sk.average_precision_score(truth, scores), **CLOSE)


def several(seed, rows=30, *, rounded=None):
    rng = np.random.default_rng(seed)
    truth = [*CLASSES, *rng.choice(CLASSES, rows - 3)]
    given = rng.dirichlet(np.ones(3), rows)
    if rounded is not None:
        given = given.round(rounded)
    columns = {name: text(given[:, place]) for place, name in enumerate(CLASSES)}
    return truth, given, Sample(labels=truth, classes=columns)


@pytest.mark.parametrize("seed", range(5))
def test_several_classes_as_scikit_learn_computes_them(seed):
    truth, given, sample = several(seed)
    onehot = np.array([[label == name for name in CLASSES] for label in truth])
    expected = {
        "roc_auc": sk.roc_auc_score(truth, given, multi_class="ovr", average="macro"),
        "roc_auc_weighted": sk.roc_auc_score(truth, given, multi_class="ovr", average="weighted"),
        "average_precision": sk.average_precision_score(onehot, given, average="macro"),
        "average_precision_weighted": sk.average_precision_score(onehot, given, average="weighted"),
        "log_loss": sk.log_loss(truth, given, labels=CLASSES),
        "brier": sk.brier_score_loss(truth, given, labels=CLASSES),
        "top_1_accuracy": sk.top_k_accuracy_score(truth, given, k=1),
        "top_2_accuracy": sk.top_k_accuracy_score(truth, given, k=2),
    }
    for name, value in expected.items():
        assert compute(kind_of(name), sample) == pytest.approx(value, **CLOSE), name


@given(st.lists(st.tuples(st.integers(0, 2), *[st.sampled_from([0.0, 0.5, 1.0])] * 3), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_ties_at_the_last_place_go_where_scikit_learn_puts_them(rows):
    truth, given = [row[0] for row in rows], np.array([row[1:] for row in rows])
    sample = Sample(labels=list(map(str, truth)), classes={str(place): text(given[:, place]) for place in (2, 0, 1)})
    for k in (1, 2):
        expected = sk.top_k_accuracy_score(truth, given, k=k, labels=[0, 1, 2])
        assert compute(kind_of("accuracy", MetricParameters(k=k)), sample, MetricParameters(k=k)) == expected


def test_two_columns_are_a_binary_problem():
    labels, given = ["no", "yes", "yes", "no"], [0.2, 0.9, 0.4, 0.5]
    sample = Sample(labels=labels, classes={"no": text(1 - np.array(given)), "yes": text(given)})
    parameters = MetricParameters(positive="yes")
    truth = [label == "yes" for label in labels]
    assert compute(kind_of("brier"), sample) == pytest.approx(sk.brier_score_loss(truth, given), **CLOSE)
    assert compute(kind_of("log_loss"), sample) == pytest.approx(sk.log_loss(truth, given), **CLOSE)
    assert compute(kind_of("roc_auc"), sample, parameters) == pytest.approx(sk.roc_auc_score(truth, given), **CLOSE)


def test_a_threshold_decides_where_it_is_declared():
    sample = Sample(labels=["0", "1", "1", "0"], probabilities=["0.2", "0.9", "0.3", "0.3"])
    for threshold, expected in [(0.3, 0.75), (0.31, 0.75), (0.95, 0.5), (0, 0.5)]:
        assert compute(kind_of("accuracy"), sample, MetricParameters(threshold=threshold)) == expected


@given(st.lists(st.floats(-20, 0), min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_perplexity_of_tokens(logarithms):
    value = compute(kind_of("perplexity"), Sample(logarithms=text(logarithms)))
    assert value == pytest.approx(math.exp(-np.mean(logarithms)), rel=1e-12)


@pytest.mark.parametrize(
    ("logarithms", "reason"),
    [(["0.9"], "above 0"), (["nan"], "row 1"), (["-inf"], "row 1"), (["x"], "row 1"), (["-800"], "not finite")],
)
def test_log_probabilities_that_are_none(logarithms, reason):
    with pytest.raises(Unrecomputable, match=reason):
        compute(kind_of("perplexity"), Sample(logarithms=logarithms))


@pytest.mark.parametrize("name", ["log_loss", "brier", "roc_auc"])
@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (("nan", "0.5", "0.5"), "row 2 has no finite probability"),
        (("", "0.5", "0.5"), "row 2 has no finite probability"),
        (("1.5", "-0.25", "-0.25"), "row 2 has the probability 1.5"),
        (("0.5", "0.3", "0.1"), "row 2 sum to 0.9"),
        (("0.25", "0.7", "0.1"), "row 2 sum to 1.05"),
    ],
)
def test_probabilities_that_are_none(name, cells, reason):
    columns = {name: ["0.2" if name != "cat" else "0.6", cell, "0.5" if name != "bee" else "0"]
               for name, cell in zip(CLASSES, cells, strict=True)}  # fmt: skip
    with pytest.raises(Unrecomputable, match=reason):
        compute(kind_of(name), Sample(labels=CLASSES, classes=columns))


def test_rounded_rows_sum_to_one_as_far_as_they_were_printed():
    thirds = {name: ["0.333"] * 3 for name in CLASSES}
    assert compute(kind_of("log_loss"), Sample(labels=CLASSES, classes=thirds)) == pytest.approx(-math.log(0.333))
    exact = {name: ["0.3330000"] * 3 for name in CLASSES}
    compute(kind_of("log_loss"), Sample(labels=CLASSES, classes=exact))  # 0.999 is the least that single precision may give
    with pytest.raises(Unrecomputable, match="not to 1"):
        compute(kind_of("log_loss"), Sample(labels=CLASSES, classes={name: ["0.3320000"] * 3 for name in CLASSES}))


def test_scores_need_not_be_probabilities_to_be_ranked():
    sample = Sample(labels=["0", "1"], probabilities=["-3.5", "12"])
    assert compute(kind_of("auc"), sample) == 1
    with pytest.raises(Unrecomputable, match="between 0 and 1"):
        compute(kind_of("brier"), sample)


def test_other_label_sets_are_refused():
    truth, _, sample = several(0)
    stranger = Sample(labels=["dog", *truth[1:]], classes=sample.classes)
    for name in ("log_loss", "brier", "roc_auc", "top_2_accuracy"):
        with pytest.raises(Unrecomputable, match="class dog"):
            compute(kind_of(name), stranger)


def test_truth_values_are_one_and_zero():
    sample = Sample(labels=["True", "False", "true"], predictions=["1", "0", "0"])
    assert compute(kind_of("accuracy"), sample) == 2 / 3


def test_the_confusion_matrix_counts_pairs():
    table = confusion(Sample(labels=list("aabb"), predictions=list("abbc")))
    assert table.counts == {("a", "a"): 1, ("a", "b"): 1, ("b", "b"): 1, ("b", "c"): 1}
    assert (table.rows, table.support, table.claimed, table.hits) == (
        4, {"a": 2, "b": 2}, {"a": 1, "b": 2, "c": 1}, {"a": 1, "b": 1},
    )  # fmt: skip


def test_mape_as_scikit_learn_computes_it():
    truth, guess = [1.0, -2.0, 4.0, 0.5], [1.5, -2.0, 3.0, 0.25]
    expected = sk.mean_absolute_percentage_error(truth, guess)
    assert compute(kind_of("mape"), Sample(labels=text(truth), predictions=text(guess))) == pytest.approx(expected, **CLOSE)


def test_columns_of_classes_are_found_by_what_they_begin_with(tmp_path):
    truth, given, _ = several(1, rows=6)
    lines = ["id,p:ant,p:bee,p:cat", *(f"{place},{','.join(map(repr, map(float, row)))}" for place, row in enumerate(given))]
    (tmp_path / "p.csv").write_text("\n".join(lines) + "\n")
    labels = ["id,label", *reversed([f"{place},{label}" for place, label in enumerate(truth)])]
    (tmp_path / "y.csv").write_text("\n".join(labels) + "\n")
    columns = MetricColumns(probability="p")
    result = recompute("log_loss", tmp_path / "p.csv", tmp_path / "y.csv", columns)
    assert result.value == pytest.approx(sk.log_loss(truth, given, labels=CLASSES), **CLOSE)
    assert (result.n, result.quantum) == (6, None)
    assert recompute("top2", tmp_path / "p.csv", tmp_path / "y.csv", columns).quantum == 1 / 6
