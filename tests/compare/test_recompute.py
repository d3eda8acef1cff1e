"""Recomputed metrics against scikit-learn, and files that do not fit each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from auditor.compare.errors import Refused, Unrecomputable
from auditor.compare.formulas import compute, kind_of
from auditor.compare.recompute import recompute
from auditor.compare.samples import Sample
from auditor.compare.tables import number, open_table, read_columns
from auditor.errors import EmptySelectionError, UndecidableError
from auditor.model.run import MetricColumns, MetricParameters

CLOSE = {"rel": 1e-12, "abs": 1e-12}


def text(values):
    return [repr(value) if isinstance(value, float) else str(value) for value in values]


CLASSES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


@given(CLASSES, st.sampled_from(["macro", "micro", "weighted"]))
@settings(max_examples=100, deadline=None)
@pytest.mark.filterwarnings("ignore")
def test_classification_as_scikit_learn_computes_it(rows, average):
    truth, guess = map(list, zip(*rows, strict=True))
    sample = Sample(labels=text(truth), predictions=text(guess))
    assert compute(kind_of("accuracy"), sample) == sk.accuracy_score(truth, guess)
    assert compute(kind_of("error_rate"), sample) == pytest.approx(sk.zero_one_loss(truth, guess), **CLOSE)
    assert compute(kind_of("balanced_accuracy"), sample) == pytest.approx(sk.balanced_accuracy_score(truth, guess), **CLOSE)
    for name, reference in [("f1", sk.f1_score), ("precision", sk.precision_score), ("recall", sk.recall_score)]:
        expected = reference(truth, guess, average=average, zero_division=0)
        assert compute(kind_of(f"{name}_{average}"), sample) == pytest.approx(expected, **CLOSE)
        assert compute(kind_of(name, MetricParameters(average=average)), sample) == pytest.approx(expected, **CLOSE)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=60))
@settings(max_examples=100, deadline=None)
def test_binary_metrics_as_scikit_learn_computes_them(rows):
    truth, guess, probability = map(list, zip(*rows, strict=True))
    sample = Sample(labels=text(truth), predictions=text(guess), probabilities=text(probability))
    for name, reference in [("f1", sk.f1_score), ("precision", sk.precision_score), ("recall", sk.recall_score)]:
        expected = reference(truth, guess, zero_division=0)
        assert compute(kind_of(name), sample) == pytest.approx(expected, **CLOSE)
    expected = sk.log_loss(truth, probability, labels=[0, 1])
    assert compute(kind_of("log_loss"), sample) == pytest.approx(expected, rel=1e-9, abs=1e-12)


VALUES = st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(VALUES, VALUES), min_size=2, max_size=60))
@settings(max_examples=100, deadline=None)
def test_regression_as_scikit_learn_computes_it(rows):
    truth, guess = map(list, zip(*rows, strict=True))
    sample = Sample(labels=text(truth), predictions=text(guess))
    assert compute(kind_of("mse"), sample) == pytest.approx(sk.mean_squared_error(truth, guess), rel=1e-12)
    assert compute(kind_of("rmse"), sample) == pytest.approx(sk.root_mean_squared_error(truth, guess), rel=1e-12)
    assert compute(kind_of("mae"), sample) == pytest.approx(sk.mean_absolute_error(truth, guess), rel=1e-12)
    if np.ptp(truth) > 1e-3 * max(1, abs(max(truth, key=abs))):
        assert compute(kind_of("r2"), sample) == pytest.approx(sk.r2_score(truth, guess), rel=1e-9, abs=1e-9)


def test_text_classes_need_a_positive_one():
    sample = Sample(labels=["cat", "dog", "dog"], predictions=["cat", "dog", "cat"])
    assert compute(kind_of("f1"), sample, MetricParameters(positive="dog")) == sk.f1_score(
        sample.labels, sample.predictions, pos_label="dog"
    )
    for parameters in (None, MetricParameters(positive="bird")):
        with pytest.raises(Unrecomputable, match="positive"):
            compute(kind_of("f1"), sample, parameters)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("accuracy", "accuracy"),
        ("test_accuracy", "accuracy"),
        ("val/acc", "accuracy"),
        ("accuracy_test", "accuracy"),
        ("Test Accuracy", "accuracy"),
        ("eval.f1_macro", "f1_macro"),
        ("macro_f1", "f1_macro"),
        ("precision_score", "precision"),
        ("top5", "top_5_accuracy"),
        ("val top-1 accuracy", "top_1_accuracy"),
        ("acc_top3", "top_3_accuracy"),
        ("top_k_accuracy", None),
        ("AUROC", "roc_auc"),
        ("test_roc_auc_ovr_weighted", "roc_auc_weighted"),
        ("roc_auc_ovo", None),
        ("average_precision_macro", "average_precision_macro"),
        ("average_precision_ovr", None),
        ("ppl", "perplexity"),
        ("neg_mse", None),
        ("loss", None),
        ("test", None),
        ("", None),
        ("accuracy_gap", None),
    ],
)
def test_what_a_name_means(name, kind):
    found = kind_of(name)
    assert (str(found) if found else None) == kind


def write(path, lines):
    path.write_text("\n".join(lines) + "\n")
    return path


def test_labels_beside_the_predictions_or_in_their_own_file(tmp_path):
    both = write(tmp_path / "p.csv", ["id,prediction,label", "1,a,a", "2,b,b", "3,b,a"])
    result = recompute("test_accuracy", both, None)
    assert (result.value, result.n, result.kind, result.quantum) == (2 / 3, 3, "accuracy", 1 / 3)
    # the verifier's labels count, not the ones that the predictions bring along; ids align another order
    labels = write(tmp_path / "y.csv", ["id,target", "3,b", "1,a", "2,b"])
    assert recompute("accuracy", both, labels).value == 1


def test_declared_columns(tmp_path):
    table = write(tmp_path / "p.csv", ["row,out,truth,prediction", "1,a,a,z", "2,b,b,z"])
    columns = MetricColumns(id="row", label="truth", prediction="out")
    assert recompute("accuracy", table, None, columns).value == 1
    with pytest.raises(Unrecomputable, match="no column nothing"):
        recompute("accuracy", table, None, MetricColumns(prediction="nothing"))


def test_numbers_are_compared_as_numbers_and_text_as_text(tmp_path):
    predictions = write(tmp_path / "p.csv", ["prediction", "3", "1.0", "-0"])
    labels = write(tmp_path / "y.csv", ["label", "3.0", "1", "0.0"])
    assert recompute("accuracy", predictions, labels).value == 1
    named = write(tmp_path / "n.csv", ["label", "three", "one", "0"])
    with pytest.raises(Unrecomputable, match="text"):
        recompute("accuracy", predictions, named)


def test_npy_predictions_and_labels(tmp_path):
    np.save(tmp_path / "p.npy", np.array([1, 2, 3]))
    np.save(tmp_path / "y.npy", np.array([[1.0], [2.0], [2.0]]))
    assert recompute("accuracy", tmp_path / "p.npy", tmp_path / "y.npy").value == 2 / 3
    np.save(tmp_path / "m.npy", np.eye(3))
    with pytest.raises(Unrecomputable, match="no column of predictions"):
        recompute("accuracy", tmp_path / "m.npy", tmp_path / "y.npy")
    np.save(tmp_path / "cube.npy", np.zeros((3, 2, 2, 2)))
    with pytest.raises(Unrecomputable, match="two dimensions"):
        recompute("accuracy", tmp_path / "cube.npy", tmp_path / "y.npy")


def test_probabilities_are_read_for_log_loss(tmp_path):
    table = write(tmp_path / "p.csv", ["id,proba,y", "1,0.9,1", "2,0.2,0"])
    assert recompute("log_loss", table, None).value == pytest.approx(sk.log_loss([1, 0], [0.9, 0.2]))


@pytest.mark.parametrize(
    ("predictions", "labels", "reason"),
    [
        (["id,prediction", "1,a", "2,b"], ["id,label", "1,a"], "2 predictions and 1 labels"),
        (["id,prediction", "1,a", "1,b"], ["id,label", "1,a", "2,b"], "predictions have an id twice"),
        (["id,prediction", "1,a", "2,b"], ["id,label", "1,a", "1,b"], "labels have an id twice"),
        (["id,prediction", "1,a", "3,b"], ["id,label", "1,a", "2,b"], "no prediction for the id 2"),
        (["id,guess", "1,a"], ["id,label", "1,a"], "no column of predictions"),
        (["id,prediction", "1,a"], ["id,name", "1,a"], "no column of labels"),
        (["prediction"], ["label"], "no rows"),
        (["prediction", "a"], ["label", "nan"], "no value"),
        (["prediction,x", "a"], ["label", "a"], "1 fields where the header has 2"),
        (["prediction", '"a'], ["label", "a"], "no row of a table"),
        (["prediction,prediction", "a,a"], ["label", "a"], "twice"),
        (["prediction", "a", "", "b"], ["label", "a", "b"], "blank"),
    ],
)
def test_files_that_do_not_fit(tmp_path, predictions, labels, reason):
    one, other = write(tmp_path / "p.csv", predictions), write(tmp_path / "y.csv", labels)
    with pytest.raises(Unrecomputable, match=reason):
        recompute("accuracy", one, other)


def test_other_reasons_not_to_compute(tmp_path):
    table = write(tmp_path / "p.csv", ["prediction,label,proba", "1,1,1.5", "0,0,0.5", "2,2,0.5"])
    for name, parameters, reason in [
        ("elo", None, "no way to compute"),
        ("perplexity", None, "no column of log-probabilities"),
        ("accuracy", MetricParameters(k=5), "probabilities of all classes"),
        ("f1_macro", MetricParameters(k=5), "no parameter k"),
        ("log_loss", MetricParameters(threshold=0.5), "no parameter threshold"),
        ("accuracy", MetricParameters(threshold=0.5), "parameters.positive"),
        ("f1", None, "average"),
        ("f1", MetricParameters(average="samples"), "samples"),
        ("log_loss", MetricParameters(positive=1), "3 classes"),
    ]:
        with pytest.raises(Unrecomputable, match=reason):
            recompute(name, table, None, None, parameters)
    with pytest.raises(Unrecomputable, match="no such file"):
        recompute("accuracy", tmp_path / "absent.csv", None)
    infinite = write(tmp_path / "i.csv", ["prediction,label", "inf,1"])
    with pytest.raises(Unrecomputable, match="finite"):
        recompute("mse", infinite, None)


def test_numbers_in_text():
    assert [number(t) for t in ("3", " 3.0 ", "1e-4", "-.5", "+2")] == [3, 3.0, 1e-4, -0.5, 2]
    assert [number(t) for t in ("", "1_000", "٣", "0x10", "three", "1" * 5000, "1,5")] == [None] * 7


@pytest.mark.parametrize("content", [b"", b"\xff\xfea,b\n", b"a\n" + b"x" * (2 << 20), b'a\n"x"y\n'])
def test_malformed_tables_are_refused(tmp_path, content):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(Refused), open_table(tmp_path / "t.csv") as table:
        read_columns(table, table.header)


def test_tables_with_a_byte_order_mark_other_line_ends_and_tabs(tmp_path):
    (tmp_path / "t.csv").write_bytes(b'\xef\xbb\xbfid,prediction\r\n1,"a,\r\nb"\r\n')
    with open_table(tmp_path / "t.csv") as table:
        assert list(table.rows) == [["1", "a,\r\nb"]]
        assert table.header == ("id", "prediction")
    (tmp_path / "t.tsv").write_bytes(b"id\tprediction\n1\ta\n")
    with open_table(tmp_path / "t.tsv") as table:
        assert list(table.rows) == [["1", "a"]]
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    with pytest.raises(UndecidableError, match="parquet"), open_table(tmp_path / "t.xlsx"):
        pass
    with pytest.raises(EmptySelectionError), open_table(tmp_path / "absent.csv"):
        pass
