from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest

from auditor.commitment import challenge, merkle
from auditor.commitment.challenge import Commitment
from auditor.compare.update import compare_update
from auditor.diagnose import design, isolate
from auditor.model.words import Agreement
from auditor.reproduce import twin

COMMITTED = Commitment(root="sha256:" + "1" * 64, run="sha256:" + "2" * 64, policy="sha256:" + "3" * 64)


@pytest.mark.parametrize(("challenged", "expected"), [(5, 0.4162), (10, 0.6695), (20, 0.9049), (28, 0.9690)])
def test_detection_is_hypergeometric(challenged, expected):
    assert challenge.detection(100, 10, challenged) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(
    ("share", "at_95", "at_99"), [(0.01, 299, 459), (0.05, 59, 90), (0.10, 29, 44), (0.20, 14, 21), (0.50, 5, 7)]
)
def test_how_many_segments_are_needed(share, at_95, at_99):
    assert (challenge.needed(share), challenge.needed(share, confidence=0.99)) == (at_95, at_99)


@pytest.mark.parametrize(("clean", "bound"), [(5, 0.45), (10, 0.26), (20, 0.14), (30, 0.095), (60, 0.049), (300, 0.010)])
def test_the_bound_after_clean_segments(clean, bound):
    assert challenge.bound(clean) == pytest.approx(bound, rel=0.02)


def test_nothing_clean_bounds_nothing():
    assert challenge.bound(0) == 1.0


@pytest.mark.parametrize(("share", "challenged", "tries"), [(0.10, 20, 8), (0.05, 60, 22)])
def test_what_a_challenge_without_a_key_costs_a_forger(share, challenged, tries):
    assert round(challenge.attempts(share, challenged)) == tries


def test_imperfect_power_detects_less():
    assert challenge.detection(1000, 100, 20, power=0.5) == pytest.approx(1 - (1 - 0.05) ** 20, abs=0.01)
    assert challenge.detection(10, 3, 10, power=0.0) == pytest.approx(0.0)


def test_the_same_commitment_gives_the_same_challenge_and_any_change_another():
    drawn = challenge.draw(challenge.seed(b"key", COMMITTED), 1000, 20)
    assert drawn == challenge.draw(challenge.seed(b"key", COMMITTED), 1000, 20)
    parts = {"root": COMMITTED.root, "run": COMMITTED.run, "policy": COMMITTED.policy}
    changed = [Commitment(**{**parts, part: "x"}) for part in parts]
    others = [challenge.seed(b"other key", COMMITTED), *(challenge.seed(b"key", other) for other in changed)]
    assert len({drawn, *(challenge.draw(other, 1000, 20) for other in others)}) == 5


def test_a_draw_repeats_nothing_and_stays_below():
    for count, wanted in ((1, 1), (7, 7), (7, 20), (1000, 300)):
        drawn = challenge.draw(b"s", count, wanted)
        assert len(set(drawn)) == len(drawn) == min(count, wanted)
        assert all(0 <= number < count for number in drawn)
    assert challenge.draw(b"s", 0, 3) == ()


def test_a_draw_is_uniform():
    hits = np.zeros(10)
    for number in range(4000):
        hits[list(challenge.draw(number.to_bytes(4, "big"), 10, 1))] += 1
    # Pearson's statistic over 9 degrees of freedom exceeds 33.7 once in ten thousand times; this draw is always the same.
    assert ((hits - 400) ** 2 / 400).sum() < 33.7


def test_a_draw_favours_no_small_number():
    """Of numbers below three quarters of the range a third is small; a remainder alone would make it half."""
    count = 3 << 62
    drawn = [number < 1 << 62 for place in range(60) for number in challenge.draw(bytes([place]), count, 10)]
    assert 0.25 < sum(drawn) / len(drawn) < 0.42


def test_the_root_is_that_of_rfc_6962():
    # The test vectors of the certificate transparency reference implementation, for its first 1, 2 and 7 inputs.
    inputs = [b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43", b"\x50\x51\x52\x53\x54\x55\x56\x57"]
    assert merkle.root(inputs[:1]) == "sha256:6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.root(inputs[:2]) == "sha256:fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    assert merkle.root(inputs[:7]) == "sha256:ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"


def test_a_root_knows_every_leaf_their_order_and_their_number():
    leaves = [bytes([number]) for number in range(9)]
    changed = [[*leaves[:5], b"x", *leaves[6:]], leaves[::-1], leaves[:-1], [*leaves, leaves[-1]]]
    assert len({merkle.root(each) for each in (leaves, *changed)}) == 5
    with pytest.raises(ValueError, match="needs a leaf"):
        merkle.root([])


def test_the_design_is_orthogonal():
    signs = 2 * np.array(design.plackett_burman()) - 1
    assert design.plackett_burman()[0] == (1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0)
    assert (signs.T @ signs == 12 * np.eye(11)).all()


def test_effects_are_found_as_they_were_put_in():
    figures = [3.0 + 2.0 * row[4] - 0.5 * row[9] for row in design.plackett_burman()]
    found = design.effects(figures)
    assert found == pytest.approx([0, 0, 0, 0, 2.0, 0, 0, 0, 0, -0.5, 0], abs=1e-12)
    assert design.standard_error(1.0) == pytest.approx(0.577, abs=1e-3)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_bisection_finds_every_culprit(count):
    for guilty in itertools.islice(itertools.combinations(range(12), count), 60):
        if guilty:
            found = isolate.culprits(range(12), lambda chosen, guilty=guilty: bool(set(chosen) & set(guilty)))
            assert found == guilty


def test_bisection_needs_few_runs():
    coin = random.Random(1)  # noqa: S311
    for count, runs in ((1, 6.1), (2, 9.2), (3, 11.7)):
        needed = []
        for _ in range(400):
            guilty, asked = set(coin.sample(range(11), count)), []
            isolate.culprits(range(11), lambda chosen, g=guilty, a=asked: a.append(1) or bool(set(chosen) & g))
            needed.append(len(asked) + 1)  # and the run that varies everything
        assert np.mean(needed) <= runs + 0.5


def test_delta_debugging_finds_factors_that_act_together():
    found = isolate.ddmin(range(12), lambda chosen: {2, 9} <= set(chosen))
    assert sorted(found) == [2, 9]


def weights(scale=1.0, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    return {"w": rng.normal(size=(8, 4)).astype(dtype) * dtype(scale), "b": rng.normal(size=4).astype(dtype)}


def moved(start, by, seed=1):
    rng = np.random.default_rng(seed)
    return {name: (tensor + by * rng.normal(size=tensor.shape)).astype(tensor.dtype) for name, tensor in start.items()}


def test_rho_is_nothing_for_equality_and_one_for_no_training():
    start = weights()
    end = moved(start, 0.1)
    assert compare_update(start, end, end).rho == 0
    assert compare_update(start, end, end).judge() is Agreement.BITWISE
    idle = compare_update(start, end, start)
    assert idle.rho == pytest.approx(1.0)
    assert idle.judge() is Agreement.DIVERGED


@pytest.mark.parametrize(
    ("dtype", "error", "agreement"),
    [
        (np.float64, 1e-12, Agreement.WITHIN_TOLERANCE),
        (np.float64, 1e-7, Agreement.INCONCLUSIVE),
        (np.float64, 1e-4, Agreement.DIVERGED),
        (np.float32, 1e-5, Agreement.WITHIN_TOLERANCE),
        (np.float32, 3e-4, Agreement.INCONCLUSIVE),
        (np.float32, 1e-2, Agreement.DIVERGED),
        (np.float16, 1e-2, Agreement.INCONCLUSIVE),
        (np.float16, 0.5, Agreement.DIVERGED),
    ],
)
def test_gates_know_the_precision(dtype, error, agreement):
    start = weights(dtype=dtype)
    end = moved(start, 1.0)
    assert compare_update(start, end, moved(end, error, seed=2)).judge() is agreement


def test_a_noise_twin_decides_the_grey_zone():
    start = weights()
    end = moved(start, 1.0)
    grey = compare_update(start, end, moved(end, 3e-4, seed=2))
    assert grey.judge(noise=1e-4) is Agreement.WITHIN_TOLERANCE
    assert grey.judge(noise=1e-6) is Agreement.DIVERGED


def test_a_noise_twin_clears_an_honest_kink_and_no_forgery():
    start = weights()
    end = moved(start, 1.0)
    beyond = compare_update(start, end, moved(end, 7e-3, seed=2))
    assert beyond.asks_for_noise
    assert beyond.judge() is Agreement.DIVERGED
    assert beyond.judge(noise=5e-3) is Agreement.WITHIN_TOLERANCE
    assert beyond.judge(noise=1e-3) is Agreement.DIVERGED
    far = compare_update(start, end, moved(end, 0.2, seed=2))
    assert not far.asks_for_noise
    assert far.judge(noise=1.0) is Agreement.DIVERGED


def test_an_update_of_nothing_is_vacuous():
    start = weights()
    assert compare_update(start, start, start).is_vacuous
    assert math.isinf(compare_update(start, start, moved(start, 0.1)).rho)
    assert not compare_update(start, moved(start, 1e-3), start).is_vacuous


def test_one_replaced_layer_cannot_hide():
    start = {"big": np.zeros(10_000), "small": np.zeros(2)}
    end = {"big": np.ones(10_000), "small": np.array([1e-6, 1e-6])}
    replay = {"big": np.ones(10_000), "small": np.array([0.0, 0.0])}
    update = compare_update(start, end, replay)
    assert update.rho < 1e-7
    assert update.worst == pytest.approx(1.0)
    assert update.judge() is Agreement.DIVERGED


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda end: end.pop("b"), "same tensors"),
        (lambda end: end.update(b=end["b"][:2]), "shape"),
        (lambda end: end.update(b=np.full(4, np.nan, np.float32)), "not finite"),
    ],
)
def test_what_cannot_be_compared_is_said(spoil, message):
    start, end = weights(), moved(weights(), 0.1)
    broken = dict(end)
    spoil(broken)
    with pytest.raises(ValueError, match=message):
        compare_update(start, end, broken)


def test_a_twin_differs_in_the_last_bit_everywhere():
    start = weights()
    other = twin.perturbed(start, 3)
    for name, tensor in start.items():
        bits = tensor.view(np.int32).astype(np.int64) - other[name].view(np.int32)
        assert set(np.abs(bits).ravel()) == {1}
    assert all((twin.perturbed(start, 3)[name] == other[name]).all() for name in start)


def test_the_horizon_is_where_a_twin_goes_its_own_way():
    steps = range(0, 1000, 10)
    reference = [1.0] * 100
    twins = [[1.0 + 1e-7 * 10 ** (step / 200) for step in steps]]
    found = twin.envelope(steps, reference, twins)
    assert found.horizon == 610
    assert found.last == 305
    assert found.allows(300) == pytest.approx(10 * twins[0][30] - 10, rel=1e-6)
    assert math.isinf(found.allows(310))


def test_the_envelope_never_shrinks_and_nothing_finite_bounds_a_nan():
    found = twin.envelope([1, 2, 3], [1.0, 1.0, 1.0], [[1.00002, 1.0, math.nan]])
    assert found.running[1] == pytest.approx(2e-5)
    assert found.horizon == 3
