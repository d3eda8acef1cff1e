from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save_file

from auditor.compare.elementwise import Elementwise
from auditor.compare.summary import agreement
from auditor.compare.weights import compare_weights
from auditor.model.comparison import Tolerance
from auditor.model.words import Agreement

EXACT = Tolerance()
LOOSE = Tolerance(absolute=1e-6, relative=1e-4)


def compare(tmp_path, left, right, tolerance=LOOSE, **options):
    np.savez(tmp_path / "left.npz", **left)
    np.savez(tmp_path / "right.npz", **right)
    return compare_weights(
        tmp_path / "left.npz", tmp_path / "right.npz", of="m.npz", tolerance_for=lambda _n, _d: tolerance, **options
    )


def only(tmp_path, left, right, tolerance=LOOSE, **options):
    (result,) = compare(tmp_path, {"w": left}, {"w": right}, tolerance, **options)
    assert result.of == "tensor:m.npz#w"
    return result


def test_equal_weights_are_bitwise_and_say_how_small_a_drift_they_would_have_seen(tmp_path):
    result = only(tmp_path, np.array([0.5, -2.0], "f4"), np.array([0.5, -2.0], "f4"))
    assert result.agreement is Agreement.BITWISE
    assert result.excess == 0
    assert result.detectable == pytest.approx(1e-6 + 0.5e-4)


def test_a_nudged_weight_is_found_with_its_place(tmp_path):
    left = np.ones((4, 5), "f4")
    right = left.copy()
    right[1, 2] += 1e-5
    right[3, 4] += 1e-2
    result = only(tmp_path, left, right)
    assert result.agreement is Agreement.DIVERGED
    assert "2 of 20 elements differ, 1 beyond tolerance" in result.note
    assert "first at [1, 2], worst at [3, 4]" in result.note
    assert "max abs 0.01" in result.note
    assert "relative L2 0.00224" in result.note
    assert result.expected == 1.0
    assert result.actual == pytest.approx(1.01)
    assert result.excess == pytest.approx(0.01 / (1e-6 + 1.01e-4), rel=1e-4)
    assert only(tmp_path, left, right, Tolerance(absolute=0.02)).agreement is Agreement.WITHIN_TOLERANCE


def test_places_in_fortran_order_and_mixed_orders(tmp_path):
    left = np.asfortranarray(np.ones((4, 5)))
    right = left.copy(order="F")
    right[1, 2] = 9
    assert "worst at [1, 2]" in only(tmp_path, left, right).note
    assert "worst at [1, 2]" in only(tmp_path, np.ascontiguousarray(left), right).note
    assert only(tmp_path, left, np.ascontiguousarray(left)).agreement is Agreement.BITWISE


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c8", "c16"])
def test_nan_and_infinity_never_agree_not_even_with_themselves(tmp_path, value, dtype):
    clean, dirty = np.array([1, 2, 3], dtype), np.array([1, value, 3], dtype)
    for left, right in [(dirty, dirty), (clean, dirty), (dirty, clean)]:
        result = only(tmp_path, left, right, Tolerance(absolute=1e9, relative=1.0))
        assert result.agreement is Agreement.DIVERGED
        assert "first at [1]" in result.note
        assert result.excess is None


def test_negative_zero_agrees_but_not_bitwise(tmp_path):
    for dtype in ("f2", "f4", "f8"):
        result = only(tmp_path, np.array([1, 0.0], dtype), np.array([1, -0.0], dtype), EXACT)
        assert result.agreement is Agreement.WITHIN_TOLERANCE
        assert result.excess == 0
        assert "first at [1], worst at [1]" in result.note


def test_a_difference_where_none_is_allowed_has_no_number(tmp_path):
    result = only(tmp_path, np.array([1.0, 1.0]), np.array([1.0, 3.0]), EXACT)
    assert result.agreement is Agreement.DIVERGED
    assert result.excess is None
    assert (result.expected, result.actual) == (1.0, 3.0)


def test_names_shapes_and_dtypes(tmp_path):
    values = np.arange(6.0)
    results = compare(
        tmp_path,
        {"old": values, "gone": values + 1, "shape": values, "dtype": values},
        {"new": values, "extra": values + 2, "shape": values.reshape(2, 3), "dtype": values.astype("f4")},
    )
    notes = {result.of.partition("#")[2]: result.note for result in results}
    assert all(result.agreement is Agreement.DIVERGED for result in results)
    assert notes["old"] == "it is missing; the same bytes are now called new"
    assert notes["new"] == "it is a new name for old"
    assert notes["gone"] == "it is missing"
    assert notes["extra"] == "it was not expected"
    assert notes["shape"] == "the shape changed from [6] to [2, 3]"
    assert notes["dtype"] == "the dtype changed from float64 to float32"


def test_nothing_compared_is_never_agreement(tmp_path):
    save_file({}, tmp_path / "a.safetensors")
    (result,) = compare_weights(
        tmp_path / "a.safetensors", tmp_path / "a.safetensors", of="a", tolerance_for=lambda _n, _d: LOOSE
    )
    assert result.agreement is Agreement.NOT_EXERCISED
    assert agreement([result]) is Agreement.NOT_EXERCISED
    empty = np.empty((0, 3))
    assert only(tmp_path, empty, empty).agreement is Agreement.NOT_EXERCISED
    assert only(tmp_path, empty, np.empty((0, 4))).agreement is Agreement.DIVERGED
    beside = compare(tmp_path, {"e": empty, "w": np.ones(3)}, {"e": empty, "w": np.ones(3)})
    assert agreement(beside) is Agreement.BITWISE


def test_another_container_is_no_difference(tmp_path):
    tensors = {"w": np.arange(10, dtype="f4"), "n": np.array([3])}
    np.savez_compressed(tmp_path / "a.npz", **tensors)
    save_file(tensors, tmp_path / "a.safetensors", metadata={"time": "now"})
    results = compare_weights(tmp_path / "a.npz", tmp_path / "a.safetensors", of="a", tolerance_for=lambda _n, _d: EXACT)
    assert {result.agreement for result in results} == {Agreement.BITWISE}


def test_64_bit_integers_are_subtracted_exactly(tmp_path):
    big = 2**53
    for dtype, left, right, absolute, agrees in [
        ("i8", big, big + 1, 0, False),
        ("i8", big, big + 1, 1, True),
        ("i8", -(2**63), 2**63 - 1, 2.0**63, False),
        ("i8", -(2**63), 2**63 - 1, 2.0**64, True),
        ("u8", 0, 2**64 - 1, 2.0**64, True),
        ("u8", big * 4, big * 4 + 3, 2, False),
        ("i1", -128, 127, 254, False),
        ("i1", -128, 127, 255, True),
    ]:
        result = only(tmp_path, np.array([left], dtype), np.array([right], dtype), Tolerance(absolute=absolute))
        assert (result.agreement is Agreement.WITHIN_TOLERANCE) is agrees, (dtype, left, right, absolute)


def test_text_booleans_and_dates_agree_by_their_bytes(tmp_path):
    pairs = [
        (np.array(["a", "b"]), np.array(["a", "c"])),
        (np.array([True, False]), np.array([True, True])),
        (np.array(["2024-01-01"], "M8[D]"), np.array(["2024-01-02"], "M8[D]")),
        (np.array([(1, 2.0)], "i4,f8"), np.array([(1, 3.0)], "i4,f8")),
    ]
    for left, right in pairs:
        assert only(tmp_path, left, left).agreement is Agreement.BITWISE
        assert only(tmp_path, left, right).agreement is Agreement.DIVERGED


def test_extreme_values_raise_no_warning_and_no_false_agreement(tmp_path):
    huge = np.array([1.7e308, -1.7e308])
    assert only(tmp_path, huge, -huge).agreement is Agreement.DIVERGED
    assert only(tmp_path, np.array([5e-324]), np.array([1e-323]), EXACT).agreement is Agreement.DIVERGED
    assert (
        only(tmp_path, np.array([5e-324]), np.array([0.0]), Tolerance(absolute=1e-300)).agreement
        is Agreement.WITHIN_TOLERANCE
    )


def judge(left, right, tolerance, block):
    state = Elementwise(tolerance)
    for start in range(0, len(left), block):
        state.update(left[start : start + block], right[start : start + block])
    return state


FLOATS = st.sampled_from(["f2", "f4", "f8"])
INTEGERS = st.sampled_from(["i1", "u1", "i4", "i8", "u8"])


@st.composite
def pairs(draw, dtypes=FLOATS):
    """Arrays that agree in most places, with near misses, NaN, infinities and signed zeros among the rest."""
    dtype = np.dtype(draw(dtypes))
    left = draw(hnp.arrays(dtype, st.integers(1, 40), elements=hnp.from_dtype(dtype)))
    right = left.copy()
    for place in draw(st.lists(st.integers(0, len(left) - 1), max_size=6)):
        right[place] = draw(hnp.from_dtype(dtype))
    return left, right


SIZES = st.floats(0, 10) | st.sampled_from([0.0, 1e-6, 1.0])
TOLERANCES = st.builds(Tolerance, absolute=SIZES, relative=SIZES)


def facts(state):
    return (
        state.agrees,
        state.compared,
        state.differing,
        state.beyond,
        state.first,
        state.worst,
        state.largest,
        state.smallest_allowed,
        state.not_finite,
        state.first_not_finite,
        state.excess,
    )


@given(pairs() | pairs(INTEGERS), TOLERANCES)
@settings(max_examples=150, deadline=None)
def test_the_block_size_changes_no_figure(both, tolerance):
    whole = facts(judge(*both, tolerance, len(both[0])))
    for block in (1, 2, 3, 7):
        assert facts(judge(*both, tolerance, block)) == whole


@given(pairs() | pairs(INTEGERS), TOLERANCES)
@settings(max_examples=150, deadline=None)
def test_agreement_is_symmetric(both, tolerance):
    left, right = both
    assert facts(judge(left, right, tolerance, 8)) == facts(judge(right, left, tolerance, 8))


@given(pairs() | pairs(INTEGERS), TOLERANCES)
@settings(max_examples=150, deadline=None)
def test_everything_agrees_with_itself_except_what_is_not_finite(both, tolerance):
    left = both[0]
    state = judge(left, left.copy(), tolerance, 8)
    assert state.agrees == bool(np.isfinite(left).all())
    assert state.differing == 0


@given(pairs() | pairs(INTEGERS), TOLERANCES, st.floats(0, 5), st.floats(0, 5))
@settings(max_examples=150, deadline=None)
def test_a_wider_tolerance_never_rejects_more(both, tolerance, absolute, relative):
    wider = Tolerance(absolute=tolerance.absolute + absolute, relative=tolerance.relative + relative)
    narrow, wide = judge(*both, tolerance, 8), judge(*both, wider, 8)
    assert wide.beyond <= narrow.beyond
    if narrow.agrees:
        assert wide.agrees


@given(pairs(st.sampled_from(["f4", "i4"])), TOLERANCES)
@settings(max_examples=150, deadline=None)
def test_the_verdict_is_the_formula_element_by_element(both, tolerance):
    state = judge(*both, tolerance, 8)
    beyond = 0
    for a, b in zip(*(values.tolist() for values in both), strict=True):
        if math.isfinite(a) and math.isfinite(b):
            beyond += abs(a - b) > tolerance.absolute + tolerance.relative * max(abs(a), abs(b))
    assert state.beyond == beyond
    assert (state.excess is None or state.excess > 1) == bool(beyond or state.not_finite)


def test_the_block_size_changes_no_printed_digit(tmp_path):
    rng = np.random.default_rng(1)
    left = rng.normal(size=200_001).astype("f4")
    right = left + rng.normal(size=len(left)).astype("f4") * np.float32(1e-3)
    results = [only(tmp_path, left, right, elements=n) for n in (1000, 65536, 99_999, 1 << 20)]
    assert all(one == other for one, other in itertools.pairwise(results))


def test_nothing_judged_is_no_agreement():
    assert not Elementwise(EXACT).agrees
