from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.compare.errors import Refused
from auditor.compare.traces import Trace, compare_traces, read_trace
from auditor.model.comparison import Tolerance
from auditor.model.words import Agreement

NARROW = Tolerance(absolute=0.01)


def trace(losses, start=0):
    steps = range(start, start + len(losses))
    return Trace(steps=tuple(steps), curves={"loss": tuple("" if loss is None else repr(loss) for loss in losses)})


def curve(left, right, tolerance=NARROW, horizon=None):
    return compare_traces(left, right, tolerance, horizon)[1]


def test_the_first_step_the_worst_and_the_running_maximum():
    found = curve(trace([1.0, 0.5, 0.25, 0.1]), trace([1.0, 0.505, 0.29, 0.12]))
    assert found.comparison.agreement is Agreement.DIVERGED
    assert (found.first, found.worst) == (2, 2)
    assert found.running == pytest.approx((0, 0.5, 4, 4))
    assert (found.comparison.of, found.comparison.expected, found.comparison.actual) == ("metric:loss", 0.25, 0.29)
    assert "first at step 2" in found.comparison.note


def test_only_up_to_the_horizon():
    left, right = trace([1.0, 0.5, 0.25]), trace([1.0, 0.5, 9.0, 9.0])
    steps, found = compare_traces(left, right, NARROW, 1)
    assert found.comparison.agreement is Agreement.BITWISE
    assert found.steps == (0, 1)
    assert found.comparison.detectable == 0.01
    assert steps.comparison.agreement is Agreement.BITWISE
    assert "2 beyond the horizon" in steps.comparison.note
    nothing = compare_traces(left, right, NARROW, -1)
    assert [one.comparison.agreement for one in nothing] == [Agreement.NOT_EXERCISED] * 2


def test_steps_that_are_missing_or_not_expected_are_found():
    steps, found = compare_traces(trace([1.0, 0.5, 0.25]), trace([0.5, 0.25, 0.1], start=1), NARROW)
    assert steps.comparison.agreement is Agreement.DIVERGED
    assert steps.comparison.note == "steps: missing 0; not expected 3"
    assert steps.first == 0
    assert found.comparison.agreement is Agreement.BITWISE
    assert found.steps == (1, 2)


def test_repeated_steps_are_found():
    once = trace([1.0, 0.5])
    twice = Trace(steps=(0, 1, 1), curves={"loss": ("1.0", "0.5", "0.5")})
    (steps, _) = compare_traces(once, twice, NARROW)
    assert (steps.comparison.agreement, steps.comparison.note) == (Agreement.DIVERGED, "steps: not expected 1")
    (steps, _) = compare_traces(twice, twice, NARROW)
    assert (steps.comparison.agreement, steps.comparison.note) == (Agreement.INCONCLUSIVE, "steps: repeated 1")


@pytest.mark.parametrize("other", [[1.0, None], [1.0, math.nan], [1.0, math.inf]])
def test_a_figure_that_is_missing_or_not_finite_never_agrees(other):
    found = curve(trace([1.0, 0.5]), trace(other))
    assert (found.comparison.agreement, found.first, found.running) == (Agreement.DIVERGED, 1, (0, math.inf))
    assert curve(trace([1.0, math.nan]), trace([1.0, math.nan])).comparison.agreement is Agreement.DIVERGED


def test_steps_that_log_nothing_and_words_are_no_difference():
    left = Trace(steps=(0, 1, 2), curves={"loss": ("1.0", "", "0.5"), "phase": ("warm", "warm", "cool")})
    assert {one.comparison.agreement for one in compare_traces(left, left, NARROW)} == {Agreement.BITWISE}
    blank = Trace(steps=(0,), curves={"loss": ("",)})
    assert curve(blank, blank).comparison.agreement is Agreement.NOT_EXERCISED


def test_a_curve_that_only_one_side_has():
    other = Trace(steps=(0,), curves={"error": ("1.0",)})
    notes = [one.comparison.note for one in compare_traces(trace([1.0]), other, NARROW)]
    assert notes == [None, "only the recorded trace has it", "only the new trace has it"]


LOSSES = st.lists(st.floats(-10, 10), min_size=1, max_size=8)


@given(LOSSES, LOSSES, st.floats(0, 5), st.floats(0, 5), st.integers(0, 8))
def test_symmetric_and_monotone_in_tolerance_and_horizon(one, other, absolute, more, horizon):
    size = min(len(one), len(other))
    left, right = trace(one[:size]), trace(other[:size])
    narrow, wide = Tolerance(absolute=absolute), Tolerance(absolute=absolute + more)
    found = curve(left, right, narrow)
    back = curve(right, left, narrow)
    assert (found.comparison.agreement, found.first, found.running) == (back.comparison.agreement, back.first, back.running)
    assert curve(left, right, wide).comparison.agreement <= found.comparison.agreement
    assert curve(left, right, narrow, horizon).comparison.agreement <= found.comparison.agreement
    assert list(found.running) == sorted(found.running)
    assert (found.first is None) == (found.comparison.agreement is not Agreement.DIVERGED)


def test_read_from_files(tmp_path):
    (tmp_path / "t.csv").write_text("loss,global_step,step_seconds\n1.0,0,3\n0.5,10.0,4\n")
    (tmp_path / "t.jsonl").write_text('{"iteration": 0, "loss": 1.0}\n{"iteration": 10, "loss": 0.5}\n')
    left = read_trace(tmp_path / "t.csv", ignore=["*_seconds"])
    assert left == Trace(steps=(0, 10), curves={"loss": ("1.0", "0.5")}) == read_trace(tmp_path / "t.jsonl")
    assert read_trace(tmp_path / "t.csv", step="step_seconds").steps == (3, 4)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("loss\n1\n", "no column of steps"),
        ("step,loss\n2,1\n1,1\n", "go backwards, from 2 to 1"),
        ("step,loss\n1.5,1\n", "no whole number"),
        ("step,loss\nnan,1\n", "no whole number"),
        ("step,loss\ninf,1\n", "no whole number"),
        ('step,loss\n"",1\n', "no whole number"),
    ],
)
def test_files_that_are_no_trace(tmp_path, text, reason):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(Refused, match=reason):
        read_trace(tmp_path / "t.csv")
