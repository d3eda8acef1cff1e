from __future__ import annotations

import math
import os
import sys
from fractions import Fraction
from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from auditor.compare import streams
from auditor.compare.anything import Options, compare
from auditor.compare.elementwise import Elementwise
from auditor.compare.errors import Refused
from auditor.compare.explain import explain
from auditor.compare.kernels import NOT_HALF, ROW, TILE, ExactSum, tiles, ulp_buckets, widen_half
from auditor.compare.source import Source
from auditor.compare.verdict import SAMPLE
from auditor.compare.weights import compare_weights
from auditor.errors import UndecidableError
from auditor.model.comparison import Tolerance
from auditor.model.words import Agreement

FIGURES = (
    "agrees", "compared", "differing", "beyond", "first", "worst", "worst_values", "largest", "smallest_allowed",
    "not_finite", "first_not_finite", "nans", "excess", "relative", "relative_l2", "cosine", "measured",
)  # fmt: skip


class Unspared(Elementwise):
    """The same judge without any shortcut."""

    def _spared(self, _expected, _actual):
        return False


def judged(kind, left, right, tolerance, **options):
    state = kind(tolerance, total=len(left), **options)
    for one, other in zip(tiles([left]), tiles([right]), strict=True):
        state.update(one, other)
    # As text: a NaN is then equal to itself.
    return {name: repr(getattr(state, name)) for name in FIGURES} | {"ulps": state.ulps.tolist()}


SCALES = st.sampled_from([1e-42, 1e-30, 1e-8, 1.0, 1e18, 3e38])
NOISES = st.sampled_from([0.0, 1e-7, 1e-4, 0.3, 3.0])
PARTS = st.sampled_from([0.0, 1e-45, 1e-12, 1e-8, 1e-6, 1e-4, 0.5, 1e35])
SPECIALS = [0.0, -0.0, 1.0, -1.0, math.nan, math.inf, -math.inf, 1e-45, 6e4, 1e30]


@st.composite
def long_pairs(draw):
    """More than a tile of one dtype: noise of one size everywhere, some of it additive, and odd values here and there."""
    dtype = draw(st.sampled_from(["f2", "f4", "f8"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = TILE + draw(st.sampled_from([1, ROW - 1, ROW + 5, TILE]))
    with np.errstate(all="ignore"):
        left = (rng.normal(size=count) * draw(SCALES)).astype(dtype)
        noise = rng.normal(size=count) if draw(st.booleans()) else np.ones(count)
        size = draw(NOISES)
        right = (left * (1 + noise * size) if draw(st.booleans()) else left + noise * size).astype(dtype)
        for side in (left, right, left, right):
            places = draw(st.lists(st.integers(0, count - 1), max_size=3))
            side[places] = draw(st.sampled_from(SPECIALS))
        if draw(st.booleans()):
            left[::7] = right[::7] = 0
    return left, right


@given(long_pairs(), PARTS, PARTS)
@settings(max_examples=60, deadline=None)
def test_no_shortcut_changes_any_figure(pair, absolute, relative):
    tolerance = Tolerance(absolute=absolute, relative=relative)
    for full in (True, False):
        assert judged(Elementwise, *pair, tolerance, full=full) == judged(Unspared, *pair, tolerance, full=full)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_a_constant_nudge_of_one_place_changes_no_figure(dtype):
    """Where very many elements tie for the worst place."""
    values = np.tile(np.linspace(0.25, 1.75, 1000), 80).astype(dtype)
    for left, right in [(values, np.nextafter(values, values.dtype.type(9))), (np.ones_like(values), values * 0 + 1.5)]:
        pair = left, right.astype(dtype)
        for tolerance in (Tolerance(absolute=1e-3), Tolerance(relative=1e-3), Tolerance(absolute=2, relative=1)):
            assert judged(Elementwise, *pair, tolerance) == judged(Unspared, *pair, tolerance)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_where_signs_of_zeros_alone_differ_the_worst_place_is_one_of_them(dtype):
    left, right = np.zeros(TILE + 1, dtype), np.zeros(TILE + 1, dtype)
    left[[7, TILE]] = -0.0
    found = judged(Elementwise, left, right, Tolerance(absolute=1e-12))
    assert found == judged(Unspared, left, right, Tolerance(absolute=1e-12))
    assert (found["first"], found["worst"], found["differing"]) == ("7", "7", "2")


def saved(path, values, dtype):
    if dtype == "bf16":
        values = values.astype(ml_dtypes.bfloat16)
    safetensors.numpy.save_file({"a": values[:1000], "w": values, "z": values[::-1].copy()}, path)
    return path


@pytest.mark.parametrize("dtype", ["bf16", "f2", "f4", "f8"])
@pytest.mark.parametrize("tolerance", [Tolerance(absolute=1e-5, relative=0.02), Tolerance(absolute=1e-9)], ids=str)
def test_neither_blocks_nor_processes_nor_the_container_change_a_word(tmp_path, monkeypatch, dtype, tolerance):
    monkeypatch.setattr(streams, "_SPAN", 2 * TILE)
    monkeypatch.setattr(streams.threading, "active_count", lambda: 1)
    rng = np.random.default_rng(5)
    left = rng.normal(size=5 * TILE + 77).astype("f4" if dtype == "bf16" else dtype)
    right = (left * (1 + rng.normal(size=len(left)) * 1e-3)).astype(left.dtype)
    files = saved(tmp_path / "a.safetensors", left, dtype), saved(tmp_path / "b.safetensors", right, dtype)

    def results(**options):
        return compare_weights(*files, of="m", tolerance_for=lambda _n, _d: tolerance, **options)

    alone = results(workers=1)
    assert results(workers=2) == results(workers=3) == alone
    monkeypatch.setattr(streams.Pair, "raw", lambda _: None)
    assert all(results(elements=elements) == alone for elements in (1000, TILE, 99_999))


def test_processes_hand_back_a_refusal(tmp_path, monkeypatch):
    monkeypatch.setattr(streams.threading, "active_count", lambda: 1)
    values = np.zeros(3 * TILE, "f4")
    one, other = (saved(tmp_path / name, values, "f4") for name in ("a.safetensors", "b.safetensors"))
    read_into, own = Source.read_into, os.getpid()

    def short(self, view, offset):
        if os.getpid() != own:
            offset = self.size
        read_into(self, view, offset)

    monkeypatch.setattr(Source, "read_into", short)
    with pytest.raises(Refused, match="ends before the data"):
        compare_weights(one, other, of="m", tolerance_for=lambda _n, _d: Tolerance(), workers=2)


def test_a_process_that_is_ended_decides_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(streams.threading, "active_count", lambda: 1)
    values = np.zeros(3 * TILE, "f4")
    one, other = (saved(tmp_path / name, values, "f4") for name in ("a.safetensors", "b.safetensors"))
    own = os.getpid()
    monkeypatch.setattr(streams.Task, "as_stored", lambda *_: None if os.getpid() == own else os._exit(9))
    with pytest.raises(UndecidableError, match="ended from outside"):
        compare_weights(one, other, of="m", tolerance_for=lambda _n, _d: Tolerance(), workers=2)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_distances_in_representable_values_against_counting(dtype, data):
    elements = hnp.from_dtype(np.dtype(dtype), allow_nan=False, allow_infinity=False)
    left = data.draw(hnp.arrays(dtype, 5, elements=elements))
    steps = data.draw(st.lists(st.integers(0, 70), min_size=5, max_size=5))
    right = left.copy()
    counted = np.zeros(65, int)
    for place, wanted in enumerate(steps):
        taken = 0
        while taken < wanted and right[place] != np.finfo(dtype).max:
            right[place] = np.nextafter(right[place], np.inf, dtype=dtype)
            taken += 1
        counted[taken.bit_length()] += 1
    assert ulp_buckets(left, right).tolist() == ulp_buckets(right, left).tolist() == counted.tolist()


def test_distances_of_all_halves_against_their_order():
    finite = np.arange(1 << 16, dtype="u2").view("f2")
    finite = finite[np.isfinite(finite)]
    place = {value: n for n, value in enumerate(sorted(set(finite.tolist())))}
    other = np.random.default_rng(0).permutation(finite)
    counted = np.zeros(65, int)
    for one, two in zip(finite.tolist(), other.tolist(), strict=True):
        counted[abs(place[one] - place[two]).bit_length()] += 1
    assert ulp_buckets(finite, other).tolist() == counted.tolist()


def test_the_farthest_doubles_do_not_wrap():
    most = np.finfo("f8").max
    buckets = ulp_buckets(np.array([most, -most]), np.array([-most, most]))
    assert buckets.nonzero()[0].tolist() == [64]
    assert ulp_buckets(np.array([0.0]), np.array([-0.0]))[0] == 1


def test_bfloat16_distances_are_its_own():
    left = np.array([1.0, 1.0, 1.0], "f4")
    right = left + np.array([0, 2**-7, 3 * 2**-7], "f4")
    assert ulp_buckets(left, right, 16)[:4].tolist() == [1, 1, 1, 0]


def test_every_half_is_widened_exactly():
    halves = np.arange(1 << 16, dtype="u2").view("f2")
    finite = halves[np.isfinite(halves)]
    out = np.empty(len(finite), "f4")
    widen_half(finite, out)
    assert out.tobytes() == finite.astype("f4").tobytes()
    others = halves[~np.isfinite(halves)]
    widen_half(others, out[: len(others)])
    assert np.abs(out[: len(others)]).min() == NOT_HALF
    assert float(np.finfo("f2").max) < NOT_HALF


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=30))
def test_sums_are_exact_in_any_order(values):
    one, other, rest = ExactSum(), ExactSum(), ExactSum()
    for value in values:
        one.add(value)
    for value in reversed(values):
        (other if value < 0 else rest).add(value)
    other.merge(rest)
    assert one.scaled == other.scaled
    assert Fraction(one.scaled, 1 << 1074) == sum(map(Fraction, values))
    one.add(math.inf)
    assert one.scaled is None


@given(st.lists(st.integers(1, 3 * TILE), max_size=5))
@settings(max_examples=30, deadline=None)
def test_tiles_are_the_same_however_the_blocks_were_cut(cuts):
    values = np.arange(2 * TILE + 9, dtype="f4")
    found = [tile.copy() for tile in tiles(np.split(values, sorted(cut for cut in cuts if cut < len(values))))]
    assert [len(tile) for tile in found] == [TILE, TILE, 9]
    assert (np.concatenate(found) == values).all()


def test_cosine_and_relative_l2(tmp_path):
    def note(left, right):
        for name, values in (("a", left), ("b", right)):
            np.save(tmp_path / f"{name}.npy", np.array(values))
        files = tmp_path / "a.npy", tmp_path / "b.npy"
        (result,) = compare_weights(*files, of="m", tolerance_for=lambda _n, _d: Tolerance(absolute=9))
        return result.note

    assert "relative L2 1.41; cosine 0" in note([1.0, 0.0], [0.0, 1.0])
    assert "relative L2 2; cosine -1" in note([1.0, 2.0], [-1.0, -2.0])
    assert "relative L2 1; cosine 1" in note([1.0, 2.0], [2.0, 4.0])
    assert "cosine" not in note([1.0, 2.0], [0.0, 0.0])
    assert "max abs 1; max rel 0.5" in note([1.0, 2.0], [2.0, 2.0])
    assert "ULPs 0: 50.0%, 1: 50.0%" in note([1.0, 2.0], [np.nextafter(1.0, 2), 2.0])
    assert "relative L2 1.41; cosine 0" in note([1 + 0j], [1j])


def test_a_diverged_tensor_is_measured_whole_and_one_within_tolerance_by_a_sample(tmp_path):
    values = np.random.default_rng(0).normal(size=20 * TILE).astype("f4")
    np.save(tmp_path / "a.npy", values)
    np.save(tmp_path / "b.npy", values * np.float32(1.001))
    files = tmp_path / "a.npy", tmp_path / "b.npy"

    def note(relative):
        (result,) = compare_weights(*files, of="m", tolerance_for=lambda _n, _d: Tolerance(relative=relative))
        return result.agreement, result.note

    agreement, words = note(0.01)
    assert agreement is Agreement.WITHIN_TOLERANCE
    assert f"measured in {2 * SAMPLE} elements; max rel 0.000999; relative L2 0.001; cosine 1" in words
    agreement, words = note(1e-6)
    assert agreement is Agreement.DIVERGED
    assert "measured in" not in words
    assert "relative L2 0.001; cosine 1" in words


def test_rho_is_the_distance_in_updates_from_the_starting_point(tmp_path):
    start, end = np.zeros(50, "f4"), np.ones(50, "f4")
    arrays = {
        "start": {"w": start, "still": start, "same": start},
        "a": {"w": end, "still": start, "same": end, "new": end},
        "b": {"w": end * np.float32(1.125), "still": end, "same": end, "new": start},
    }
    for name, tensors in arrays.items():
        np.savez(tmp_path / f"{name}.npz", **tensors)
    results = compare_weights(
        tmp_path / "a.npz", tmp_path / "b.npz", of="m", tolerance_for=lambda _n, _d: Tolerance(),
        start=tmp_path / "start.npz",
    )  # fmt: skip
    notes = {result.of.partition("#")[2]: result.note for result in results}
    assert notes["w"].endswith("; rho 0.125 of its update in training")
    assert notes["still"].endswith("; no rho: training changed nothing in it")
    assert notes["new"].endswith("; no rho: the starting point has no such tensor")
    assert notes["same"] is None


def test_long_lists_are_told_apart_without_deepdiff_and_short_ones_with_it():
    many = list(range(5000))
    other = [*many[:4000], -1, *many[4001:]]
    expected = {"configuration": {"effective": {"table": many, "same": many, "few": [1, 2], "gone": many}}}
    actual = {"configuration": {"effective": {"table": other, "same": list(many), "few": [1, 3], "short": many[:9]}}}
    found = {one.at: (one.expected, one.actual) for one in explain(expected, actual)["configuration"]}
    assert found.pop("/configuration/effective/table/4000") == ("5000 items, here [4000]", "5000 items, here [-1]")
    assert found.pop("/configuration/effective/few/1") == (2, 3)
    assert set(found) == {"/configuration/effective/gone", "/configuration/effective/short"}
    shorter = {"configuration": {"effective": {"table": many[:-1]}}}
    (only,) = explain({"configuration": {"effective": {"table": many}}}, shorter)["configuration"]
    assert (only.expected, only.actual) == ("5000 items, here [4999]", "4999 items, here []")


def test_deepdiff_never_sees_an_array(tmp_path, monkeypatch):
    values = np.zeros(10_000_000, "f4")
    np.save(tmp_path / "a.npy", values)
    np.save(tmp_path / "b.npy", values + np.float32(1))
    monkeypatch.setitem(sys.modules, "deepdiff", None)  # importing it fails
    compared = compare(tmp_path / "a.npy", tmp_path / "b.npy", Options())
    assert compared.agreement is Agreement.DIVERGED
    numbers = [0.0] * 10_000_000
    seen = []
    monkeypatch.setitem(sys.modules, "deepdiff", SimpleNamespace(DeepDiff=lambda *sides, **_: seen.append(sides) or {}))
    claims = [{"configuration": {"effective": {"table": [*numbers, last]}}} for last in (1, 2)]
    (difference,) = explain(*claims)["configuration"]
    assert difference.at == "/configuration/effective/table/10000000"
    assert len(repr(seen)) < 200
