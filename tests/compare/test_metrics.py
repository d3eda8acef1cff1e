from __future__ import annotations

import json
import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.compare.errors import Refused
from auditor.compare.metrics import compare_metric, compare_metrics, ignored_metrics, read_metrics_file
from auditor.compare.summary import agreement
from auditor.model.comparison import Tolerance
from auditor.model.policy import Pair, Tolerances
from auditor.model.words import Agreement

TOLERANCE = Tolerance(absolute=0.01)


@pytest.mark.parametrize(
    ("expected", "actual", "agrees"),
    [
        (0.97, 0.97, Agreement.BITWISE),
        (1, 1.0, Agreement.BITWISE),
        (2**60, 2**60, Agreement.BITWISE),
        (2**60, 2**60 + 1, Agreement.DIVERGED),
        (0.0, -0.0, Agreement.WITHIN_TOLERANCE),
        (0.97, 0.975, Agreement.WITHIN_TOLERANCE),
        (0.97, 0.99, Agreement.DIVERGED),
        (None, 0.97, Agreement.DIVERGED),
        (0.97, None, Agreement.DIVERGED),
        (None, None, Agreement.DIVERGED),
        (math.nan, math.nan, Agreement.DIVERGED),
        (math.inf, math.inf, Agreement.DIVERGED),
        (10**400, 10**400, Agreement.DIVERGED),
    ],
)
def test_two_figures(expected, actual, agrees):
    result = compare_metric("accuracy", expected, actual, TOLERANCE)
    assert result.agreement is agrees
    assert result.of == "metric:accuracy"
    json.dumps([result.expected, result.actual, result.excess, result.detectable], allow_nan=False)
    assert (result.note is None) == (agrees is not Agreement.DIVERGED)


def test_excess_and_the_smallest_detectable_drift():
    result = compare_metric("accuracy", 0.5, 0.52, TOLERANCE, quantum=0.004)
    assert result.excess == pytest.approx(2)
    assert result.detectable == pytest.approx(0.012)
    assert compare_metric("accuracy", 0.5, 0.5, TOLERANCE).detectable == 0.01
    assert compare_metric("accuracy", 0.5, 0.6, Tolerance()).excess is None
    assert compare_metric("accuracy", 0.5, 0.5, Tolerance(), quantum=0.004).detectable == 0.004


def test_the_quantum_never_widens_the_tolerance():
    assert compare_metric("accuracy", 0.5, 0.501, Tolerance(), quantum=0.001).agreement is Agreement.DIVERGED


@pytest.mark.parametrize(
    ("better", "actual", "agrees"),
    [
        ("higher", 0.9, Agreement.WITHIN_TOLERANCE),
        ("higher", 0.3, Agreement.DIVERGED),
        ("higher", 0.495, Agreement.WITHIN_TOLERANCE),
        ("lower", 0.3, Agreement.WITHIN_TOLERANCE),
        ("lower", 0.9, Agreement.DIVERGED),
        ("either", 0.9, Agreement.DIVERGED),
        ("higher", math.nan, Agreement.DIVERGED),
        ("higher", math.inf, Agreement.DIVERGED),
        ("higher", 0.5, Agreement.BITWISE),
    ],
)
def test_a_change_for_the_better_is_no_loss(better, actual, agrees):
    result = compare_metric("accuracy", 0.5, actual, TOLERANCE, better=better)
    assert result.agreement is agrees
    assert agrees is Agreement.DIVERGED or result.detectable == TOLERANCE.absolute
    if agrees is Agreement.WITHIN_TOLERANCE and abs(actual - 0.5) > TOLERANCE.absolute:
        assert result.note.startswith("better by")
        assert result.excess == 0


def test_printed_places_are_a_floor_of_what_is_seen_and_widen_nothing():
    result = compare_metric("accuracy", 0.873, 0.8734, Tolerance(), printed=0.0005)
    assert result.agreement is Agreement.DIVERGED
    assert "printing cut off" in result.note
    assert compare_metric("accuracy", 0.873, 0.873, Tolerance(), printed=0.0005).detectable == 0.0005
    assert "printing" not in compare_metric("accuracy", 0.873, 0.88, Tolerance(), printed=0.0005).note


def test_integers_and_floats_are_subtracted_exactly():
    assert compare_metric("n", 2**60 + 1, 2.0**60, Tolerance()).agreement is Agreement.DIVERGED
    assert compare_metric("n", 2**60, 2.0**60, Tolerance()).agreement is Agreement.BITWISE
    assert compare_metric("n", -(10**308), 1.7e308, Tolerance()).agreement is Agreement.DIVERGED


def test_a_tolerance_that_allows_everything_says_that_it_sees_nothing():
    result = compare_metric("loss", 1e308, 1e308, Tolerance(relative=1e308))
    assert (result.agreement, result.detectable) == (Agreement.BITWISE, sys.float_info.max)


def test_a_renamed_metric_is_named_and_diverged():
    results = compare_metrics({"acc": 0.9, "loss": 1.0}, {"accuracy": 0.9, "loss": 1.0}, Tolerances())
    notes = {result.of: (result.agreement, result.note) for result in results}
    assert notes["metric:acc"][0] is notes["metric:accuracy"][0] is Agreement.DIVERGED
    assert "accuracy is new and has its figure" in notes["metric:acc"][1]
    twice = compare_metrics({"acc": 0.9}, {"a": 0.9, "b": 0.9}, Tolerances())
    assert not any("renamed" in result.note for result in twice)


NUMBERS = st.floats() | st.integers(-(2**70), 2**70)


@given(NUMBERS, NUMBERS, st.floats(0, 10), st.floats(0, 2), st.floats(0, 1))
def test_symmetric_and_monotone(one, other, absolute, relative, more):
    tolerance = Tolerance(absolute=absolute, relative=relative)
    result = compare_metric("m", one, other, tolerance)
    assert result.agreement is compare_metric("m", other, one, tolerance).agreement
    assert result.excess == compare_metric("m", other, one, tolerance).excess
    wider = compare_metric("m", one, other, Tolerance(absolute=absolute + more, relative=relative + more))
    assert wider.agreement <= result.agreement
    if result.agreement is not Agreement.DIVERGED:
        assert result.detectable >= 0
    for better in ("higher", "lower"):
        assert compare_metric("m", one, other, tolerance, better=better).agreement <= result.agreement
    if result.excess is not None:
        assert (result.excess > 1) == (result.agreement is Agreement.DIVERGED)


def test_missing_and_extra_metrics_diverge_and_ignored_ones_are_apart():
    tolerances = Tolerances(metrics={"*": Pair(absolute=0.1)})
    expected = {"accuracy": 0.9, "loss": 1.0, "train_seconds": 5.0}
    actual = {"accuracy": 0.95, "f1": 0.9, "train_seconds": 500.0}
    results = {result.of: result.agreement for result in compare_metrics(expected, actual, tolerances)}
    assert results == {
        "metric:accuracy": Agreement.WITHIN_TOLERANCE,
        "metric:loss": Agreement.DIVERGED,
        "metric:f1": Agreement.DIVERGED,
    }
    (ignored,) = ignored_metrics(expected, actual, tolerances)
    assert (ignored.of, ignored.agreement) == ("metric:train_seconds", Agreement.NOT_EXERCISED)
    assert (ignored.expected, ignored.actual) == (5.0, 500.0)
    assert agreement([ignored]) is Agreement.NOT_EXERCISED
    assert agreement([ignored, *compare_metrics({"a": 1.0}, {"a": 1.0}, tolerances)]) is Agreement.BITWISE


def written(tmp_path, text):
    path = tmp_path / "metrics.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_figures_of_a_file_under_dotted_names(tmp_path):
    text = '\ufeff{"test": {"accuracy": 0.5, "n": 3}, "model": "tree", "ok": true, "lost": null, "per_class": [0.25, 1e-4]}'
    figures = read_metrics_file(written(tmp_path, text))
    assert list(figures) == ["test.accuracy", "test.n", "lost", "per_class.0", "per_class.1"]
    assert figures["per_class.1"] == 1e-4
    assert math.isnan(figures["lost"])


def test_nan_in_a_file_stays_nan(tmp_path):
    assert math.isnan(read_metrics_file(written(tmp_path, '{"loss": NaN}'))["loss"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2]",
        "0.5",
        "{",
        '{"a": 1, "a": 2}',
        '{"a.b": 1, "a": {"b": 2}}',
        '{"a": ' + "1" * 5000 + "}",
        '{"a":' * 50 + "1" + "}" * 50,
        '{"a":' * 100_000,
        b"\xff\xfe",
        b" " * (1 << 24) + b"{}",
    ],
)
def test_files_that_hold_no_figures(tmp_path, text):
    with pytest.raises(Refused):
        read_metrics_file(written(tmp_path, text))
