from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.compare.power import Judged, training_free
from auditor.compare.predictions import compare_predictions
from auditor.model.comparison import Tolerance
from auditor.model.run import MetricParameters
from auditor.model.words import Agreement

TOLERANCE = Tolerance(relative=1e-5, absolute=1e-6)


def write(path, lines):
    path.write_text("\n".join(lines) + "\n")
    return path


def compare(tmp_path, left, right, tolerance=TOLERANCE):
    one, other = write(tmp_path / "left.csv", left), write(tmp_path / "right.csv", right)
    return compare_predictions(one, other, of="p.csv", tolerance=tolerance)


ROWS = ["id,prediction,proba,label", "1,0,0.25,0", "2,1,0.75,1", "3,1,0.5,0"]


def changed(place, text):
    return [*ROWS[:place], text, *ROWS[place + 1 :]]


@pytest.mark.parametrize(
    ("other", "agreement", "note"),
    [
        (ROWS, Agreement.BITWISE, None),
        (changed(1, "1,0.0,0.250,0"), Agreement.BITWISE, "other bytes, equal values"),
        (changed(1, "1,0,0.2500001,0"), Agreement.WITHIN_TOLERANCE, "row 1, proba"),
        (changed(1, "1,0,0.26,0"), Agreement.DIVERGED, "churn 0 of 3"),
        (changed(2, "2,0,0.75,1"), Agreement.DIVERGED, r"row 2, prediction.*churn 1 of 3 rows \(33.33%\)"),
        (changed(3, "3,1,0.5,1"), Agreement.DIVERGED, "row 3, label"),
        (changed(3, "3,1,nan,0"), Agreement.DIVERGED, "proba"),
        (changed(3, "3,,0.5,0"), Agreement.DIVERGED, "prediction"),
        (ROWS[:3], Agreement.DIVERGED, "different numbers of rows"),
        ([*ROWS, "4,1,0.5,0"], Agreement.DIVERGED, "different numbers of rows"),
        (changed(3, "4,1,0.5,0"), Agreement.DIVERGED, "different ids"),
        (changed(3, "2,1,0.5,0"), Agreement.DIVERGED, "actual table has an id twice"),
        (changed(0, "id,prediction,proba,y"), Agreement.DIVERGED, "missing label; not expected y"),
    ],
)
def test_tables_cell_by_cell(tmp_path, other, agreement, note):
    result = compare(tmp_path, ROWS, other)
    assert result.of == "predictions:p.csv"
    assert result.agreement is agreement
    if note is None:
        assert result.note is None
    else:
        assert re.search(note, result.note)


HUNDREDS = [f"{n},1,0.9,1" for n in range(200)]


@pytest.mark.parametrize(
    ("left", "right", "agreement", "note"),
    [
        ("7,1,0.5000004,1", "7,0,0.4999998,1", Agreement.WITHIN_TOLERANCE, "1 decisions turned"),
        ("7,1,0.5,1", "7,0,0.5,1", Agreement.WITHIN_TOLERANCE, "1 decisions turned"),  # a tie may fall either way
        ("7,1,0.9,1", "7,0,0.9000001,1", Agreement.DIVERGED, "1 beyond"),  # far from any decision
        ("7,1,0.5000004,1", "7,0,0.5000003,1", Agreement.DIVERGED, "1 beyond"),  # it moved, yet not so far
        ("7,1,0.51,1", "7,0,0.49,1", Agreement.DIVERGED, "2 beyond"),  # it moved too far
        ("7,1,0.5,1", "7,,0.5,1", Agreement.DIVERGED, "1 beyond"),  # none is no decision
    ],
)
def test_a_decision_may_turn_where_its_score_moved_across_it(tmp_path, left, right, agreement, note):
    one, other = [ROWS[0], *HUNDREDS, left], [ROWS[0], *HUNDREDS, right]
    for result in (compare(tmp_path, one, other), compare(tmp_path, other, one)):
        assert result.agreement is agreement
        assert note in result.note
    exact = compare(tmp_path, one, other, Tolerance())
    assert exact.agreement is Agreement.DIVERGED


def test_the_largest_of_several_scores_may_turn(tmp_path):
    header = "id,prediction,proba_a,proba_b,proba_c"
    rows = [f"{n},a,0.8,0.1,0.1" for n in range(200)]
    one = [header, *rows, "7,a,0.4500001,0.45,0.0999999"]
    result = compare(tmp_path, one, [header, *rows, "7,b,0.45,0.4500001,0.0999999"])
    assert result.agreement is Agreement.WITHIN_TOLERANCE
    assert compare(tmp_path, one, [header, *rows, "7,c,0.45,0.4500001,0.0999999"]).agreement is Agreement.DIVERGED


def test_many_turned_decisions_are_no_noise(tmp_path):
    def rows(score, prediction, turned):
        return [ROWS[0], *HUNDREDS[turned:], *(f"{900 + n},{prediction},{score},1" for n in range(turned))]

    for turned, agreement in ((2, Agreement.WITHIN_TOLERANCE), (3, Agreement.DIVERGED)):
        result = compare(tmp_path, rows("0.5000002", 1, turned), rows("0.4999999", 0, turned))
        assert result.agreement is agreement
    assert "too many for noise" in result.note


def test_other_orders_of_columns_and_rows_are_no_difference(tmp_path):
    other = ["label,proba,id,prediction", "0,0.5,3,1", "0,0.25,1,0", "1,0.75,2,1"]
    assert compare(tmp_path, ROWS, other).agreement is Agreement.BITWISE


def test_what_it_could_have_seen(tmp_path):
    assert compare(tmp_path, ROWS, ROWS).detectable == pytest.approx(1e-6 + 0.25e-5)


@pytest.mark.parametrize("cell", ["nan", ""])
def test_no_value_is_no_agreement(tmp_path, cell):
    rows = ["prediction", "1", cell or '""']
    result = compare(tmp_path, rows, rows)
    assert result.agreement is Agreement.DIVERGED


def test_no_rows_are_not_exercised(tmp_path):
    assert compare(tmp_path, ROWS[:1], ROWS[:1]).agreement is Agreement.NOT_EXERCISED


def test_arrays_of_predictions(tmp_path):
    np.save(tmp_path / "a.npy", np.array([1, 2, 3]))
    np.save(tmp_path / "b.npy", np.array([1, 2, 4]))
    same = compare_predictions(tmp_path / "a.npy", tmp_path / "a.npy", of="p", tolerance=TOLERANCE)
    other = compare_predictions(tmp_path / "a.npy", tmp_path / "b.npy", of="p", tolerance=TOLERANCE)
    assert same.agreement is Agreement.BITWISE
    assert other.agreement is Agreement.DIVERGED
    assert "churn 1 of 3" in other.note


CELLS = st.sampled_from(["0", "1", "1.0", "0.5", "0.500001", "0.6", "x", "y", "nan", "-0.0"])
SIZES = st.floats(0, 1)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6), SIZES, SIZES, SIZES)
@settings(max_examples=60, deadline=None)
def test_symmetric_and_monotone(tmp_path_factory, rows, absolute, relative, more):
    folder = tmp_path_factory.mktemp("tables")
    left, right = (["prediction", *column] for column in zip(*rows, strict=True))
    narrow = Tolerance(absolute=absolute, relative=relative)
    wide = Tolerance(absolute=absolute + more, relative=relative + more)
    result = compare(folder, left, right, narrow).agreement
    assert result is compare(folder, right, left, narrow).agreement
    assert compare(folder, left, right, wide).agreement <= result


def table(tmp_path, truth, guesses, name="p.csv"):
    return write(tmp_path / name, ["prediction,label", *(f"{g},{t}" for g, t in zip(guesses, truth, strict=True))])


TRUTH = ["a"] * 12 + ["b"] * 9 + ["c"] * 9
GOOD = [*TRUTH[:-1], "a"]


def test_a_tight_tolerance_rejects_every_replica(tmp_path):
    power = training_free(table(tmp_path, TRUTH, GOOD), None, [Judged(name="accuracy", tolerance=Tolerance(absolute=0.02))])
    assert {replica.name: (replica.exercised, replica.rejected) for replica in power.replicas} == {
        "constant": (True, True),
        "permuted": (True, True),
    }
    assert power.replicas[0].note == "accuracy 0.966667 became 0.4"
    assert power.detectable == {"accuracy": pytest.approx(1 / 30)}


def test_a_tolerance_of_four_on_an_accuracy_accepts_them_all(tmp_path):
    power = training_free(table(tmp_path, TRUTH, GOOD), None, [Judged(name="accuracy", tolerance=Tolerance(absolute=4))])
    assert [(replica.exercised, replica.rejected) for replica in power.replicas] == [(True, False)] * 2
    assert power.detectable["accuracy"] > 4


def test_any_metric_may_reject(tmp_path):
    metrics = [
        Judged(name="accuracy", tolerance=Tolerance(absolute=4)),
        Judged(name="f1_macro", tolerance=Tolerance(absolute=0.01)),
    ]
    power = training_free(table(tmp_path, TRUTH, GOOD), None, metrics)
    assert all(replica.rejected for replica in power.replicas)


def test_a_model_that_is_a_constant_predictor_is_not_exercised(tmp_path):
    power = training_free(table(tmp_path, TRUTH, ["a"] * 30), None, [Judged(name="accuracy", tolerance=Tolerance())])
    assert [replica.exercised for replica in power.replicas] == [False, False]
    assert "equals the real predictions" in power.replicas[0].note


def test_a_metric_that_cannot_be_computed_proves_nothing(tmp_path):
    power = training_free(table(tmp_path, TRUTH, GOOD), None, [Judged(name="elo", tolerance=Tolerance())])
    assert not any(replica.exercised or replica.rejected for replica in power.replicas)
    assert "elo: no way to compute" in power.replicas[0].note
    assert not training_free(table(tmp_path, TRUTH, GOOD), None, []).replicas[0].exercised


def test_regression_and_probabilities_have_replicas_of_their_own(tmp_path):
    rng = np.random.default_rng(0)
    truth = rng.normal(size=50)
    near = table(tmp_path, truth.tolist(), (truth + 0.01).tolist())
    power = training_free(near, None, [Judged(name="rmse", tolerance=Tolerance(absolute=0.1))])
    assert all(replica.exercised and replica.rejected for replica in power.replicas)
    labels = [0, 1] * 20
    rows = ["proba,label", *(f"{0.9 if label else 0.2},{label}" for label in labels)]
    loss = Judged(name="log_loss", tolerance=Tolerance(absolute=0.1), parameters=MetricParameters(positive=1))
    power = training_free(write(tmp_path / "q.csv", rows), None, [loss])
    assert all(replica.exercised and replica.rejected for replica in power.replicas)
    assert "became 0.693147" in power.replicas[0].note


def test_the_permutation_follows_from_the_file_alone(tmp_path):
    metrics = [Judged(name="accuracy", tolerance=Tolerance())]
    one = training_free(table(tmp_path, TRUTH, GOOD), None, metrics)
    again = training_free(table(tmp_path, TRUTH, GOOD, "copy.csv"), None, metrics)
    assert one == again


def test_a_replica_with_exactly_the_real_metrics_is_not_exercised(tmp_path):
    # half of each class right: any constant has this accuracy, and no tolerance can tell it apart
    truth, guesses = [1, 1, 1, 1, 0, 0, 0, 0], [1, 0, 1, 0, 0, 0, 1, 1]
    wide = [Judged(name="accuracy", tolerance=Tolerance(absolute=1))]
    narrow = [Judged(name="accuracy", tolerance=Tolerance(absolute=1e-9, relative=1e-6))]
    for metrics in (wide, narrow):
        constant = training_free(table(tmp_path, truth, guesses), None, metrics).replicas[0]
        assert (constant.exercised, constant.rejected) == (False, False)
        assert "exactly the real one" in constant.note
    # another metric moves: what the tolerances make of it counts again
    both = [*wide, Judged(name="f1_macro", tolerance=Tolerance(absolute=1))]
    constant = training_free(table(tmp_path, truth, guesses), None, both).replicas[0]
    assert (constant.exercised, constant.rejected) == (True, False)


def test_probabilities_of_all_classes_have_replicas(tmp_path):
    rows = [f"{c},{0.8 if c == 'a' else 0.1},{0.8 if c == 'b' else 0.1},{0.8 if c == 'c' else 0.1}" for c in "aabbcc"]
    path = write(tmp_path / "p.csv", ["label,proba_a,proba_b,proba_c", *rows])
    for name in ("log_loss", "brier", "roc_auc", "average_precision", "top_1_accuracy"):
        power = training_free(path, None, [Judged(name=name, tolerance=Tolerance(absolute=0.01))])
        assert [(replica.exercised, replica.rejected) for replica in power.replicas] == [(True, True)] * 2, name


def test_perplexity_has_no_replica_that_could_reject(tmp_path):
    path = write(tmp_path / "p.csv", ["logprob", "-1.5", "-0.25"])
    power = training_free(path, None, [Judged(name="perplexity", tolerance=Tolerance())])
    assert not any(replica.exercised for replica in power.replicas)
    assert power.detectable == {"perplexity": 0.0}


def test_a_table_of_classes_detects_any_change(tmp_path):
    rows = ["id,prediction", "1,a", "2,b"]
    assert compare(tmp_path, rows, rows).detectable == 0
