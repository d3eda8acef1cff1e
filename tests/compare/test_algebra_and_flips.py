from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from auditor.compare.algebra import contradictory_scores, grim, is_share_of_rows
from auditor.compare.errors import Unrecomputable
from auditor.compare.flips import flip_bound, flip_bound_of, flip_bound_of_classes
from auditor.compare.samples import Sample
from auditor.errors import UndecidableError
from auditor.model.comparison import Tolerance
from auditor.model.run import Metric, MetricParameters


@pytest.mark.parametrize(
    ("value", "n", "possible"),
    [
        ("0.8734", 1000, False),
        ("0.8730", 1000, True),
        ("0.873", 1000, True),
        (0.8734, 10_000, True),
        (87.34, 1000, False),
        (87.3, 1000, True),
        ("0.5", 3, False),
        ("0.7", 3, True),
        (1.0, 7, True),
        (0, 7, True),
        (1, 7, True),
        (-0.1, 1000, False),
        (100.0, 7, True),
        (101.0, 7, False),
        (1e-9, 1000, True),
        (1e-300, 7, True),
        (0.5625, 926, True),  # 521 rows in half precision
        (0.8735, 926, False),
        ("0.87353515625", 300, True),
        ("0.87353515624", 300, False),
    ],
)
def test_shares_of_rows(value, n, possible):
    found = grim(value, n)
    assert found.possible is possible
    assert found.below <= float(found.value) <= found.above


def test_the_nearest_shares_are_named():
    found = grim("0.8734", 1000)
    assert (found.below, found.above, found.tolerance) == (0.873, 0.874, 0.00005)


@given(st.integers(1, 3000), st.data())
@settings(max_examples=200)
def test_every_accuracy_is_possible_however_it_was_computed_and_printed(n, data):
    k = data.draw(st.integers(0, n))
    share = k / n
    printed = [
        repr(share),
        repr(1 - (n - k) / n),
        repr(100 * share),
        f"{share:.4f}",
        f"{share:.2f}",
        f"{100 * share:.1f}",
        f"{share:.6e}",
    ]
    printed += [float(np.float32(share)), float(np.float16(share)), float(np.float32(k) / np.float32(n))]
    printed.append(float(np.float32(100) * np.float32(share)))
    for value in printed:
        assert grim(value, n).possible, value


@given(st.integers(2, 400), st.data())
def test_what_lies_between_two_shares_is_impossible(n, data):
    k = data.draw(st.integers(0, n - 1))
    between = (k + data.draw(st.floats(0.1, 0.9))) / n
    assume(len(repr(between)) > 10)
    assert not grim(f"{between:.8f}", n).possible


@pytest.mark.parametrize("value", ["", "x", "nan", math.inf, "1e999999999", "1e399", "0." + "1" * 500])
def test_what_is_no_figure(value):
    with pytest.raises(ValueError, match="no "):
        grim(value, 10)
    with pytest.raises(ValueError, match="rows"):
        grim(0.5, 0)


@pytest.mark.parametrize(
    ("metric", "is_one"),
    [
        (Metric(name="accuracy"), True),
        (Metric(name="test/acc"), True),
        (Metric(name="score", kind="accuracy"), True),
        (Metric(name="accuracy", kind="token_accuracy"), False),
        (Metric(name="cv-accuracy", kind="accuracy"), False),
        (Metric(name="accuracy", parameters=MetricParameters(k=5)), False),
        (Metric(name="accuracy", parameters=MetricParameters(average="macro")), False),
        (Metric(name="balanced_accuracy"), False),
        (Metric(name="f1"), False),
    ],
)
def test_which_metrics_are_shares_of_rows(metric, is_one):
    assert is_share_of_rows(metric) is is_one


def test_scores_that_contradict_each_other(capfd):
    published = {"acc": 0.9567, "sens": 0.8545, "spec": 0.9734}
    assert contradictory_scores(100, 200, published, within=1e-4)
    true = {"acc": 275 / 300, "sens": 0.85, "spec": 0.95, "ppv": 85 / 95}
    assert not contradictory_scores(100, 200, true, within=1e-4)
    assert capfd.readouterr() == ("", "")
    for scores in ({"nonsense": 0.5}, {"fbp": 0.5}, {}, {"acc": math.nan}):
        with pytest.raises(ValueError, match="score"):
            contradictory_scores(100, 200, scores, within=1e-4)
    with pytest.raises(ValueError, match="above 0"):
        contradictory_scores(0, 200, true, within=1e-4)


def test_without_mlscorecheck_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlscorecheck.check.binary", None)
    with pytest.raises(UndecidableError, match="not installed") as error:
        contradictory_scores(1, 1, {"acc": 1.0}, within=1e-4)
    assert "mlscorecheck" in error.value.hint


SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@given(SCORES, st.floats(0, 0.3), st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_no_movement_within_epsilon_beats_the_bound(scores, epsilon, seed):
    rng = np.random.default_rng(seed)
    given_scores = np.array(scores)
    labels = rng.random(len(scores)) < 0.5
    bound = flip_bound(scores, epsilon)
    for moves in (rng.uniform(-epsilon, epsilon, len(scores)), rng.choice([-epsilon, epsilon], len(scores))):
        before, after = given_scores >= 0.5, given_scores + moves >= 0.5
        assert (before != after).sum() <= bound.flippable
        assert abs((before == labels).mean() - (after == labels).mean()) <= bound.accuracy + 1e-12
    wider = flip_bound(scores, 2 * epsilon)
    assert wider.flippable >= bound.flippable


@given(st.lists(st.tuples(*[st.floats(0, 1)] * 3), min_size=1, max_size=20), st.floats(0, 0.3), st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_no_movement_within_epsilon_changes_more_argmaxes(rows, epsilon, seed):
    rng = np.random.default_rng(seed)
    before = np.array(rows)
    bound = flip_bound_of_classes(rows, epsilon)
    after = before + rng.choice([-epsilon, epsilon], before.shape)
    assert (before.argmax(axis=1) != after.argmax(axis=1)).sum() <= bound.flippable


def test_the_bound_is_reached_and_becomes_a_tolerance():
    bound = flip_bound([0.1, 0.49, 0.51, 0.9], 0.02)
    assert (bound.flippable, bound.n, bound.accuracy) == (2, 4, 0.5)
    assert bound.tolerance.absolute == 0.5
    assert "2 of 4 examples" in bound.tolerance.source
    assert flip_bound([0.4, 0.6], 1e-6).tolerance.absolute == 0
    assert flip_bound([0.5], 0).flippable == 1
    assert flip_bound_of_classes([[0.5, 0.3, 0.2], [0.4, 0.39, 0.21]], 0.005).flippable == 1


def test_what_bounds_nothing():
    for scores, epsilon in [([], 0.1), ([math.nan], 0.1), ([0.5], -0.1), ([0.5], math.nan)]:
        with pytest.raises(Unrecomputable):
            flip_bound(scores, epsilon)
    with pytest.raises(Unrecomputable, match="two classes"):
        flip_bound_of_classes([[1.0]], 0.1)


def test_the_bound_of_a_table_is_no_more_than_noise_can_be():
    def sample(scores):
        return Sample(labels=["1"] * len(scores), predictions=["1"] * len(scores), probabilities=scores)

    tolerance = Tolerance(absolute=1e-6)
    assert flip_bound_of(sample(["0.9"] * 199 + ["0.5000003"]), tolerance).flippable == 1
    assert flip_bound_of(sample(["0.9"] * 199 + ["0.5000003"]), Tolerance(absolute=1e-7)).flippable == 0
    assert flip_bound_of(sample(["0.5000003"] * 300), tolerance).flippable == 3
    assert flip_bound_of(sample(["0.9", "0.2000003"]), tolerance, threshold=0.2).flippable == 1
    assert flip_bound_of(sample(["0.9", "nan"]), tolerance) is None
    assert flip_bound_of(Sample(labels=["1"], predictions=["1"]), tolerance) is None
    classes = {"a": ["0.9", "0.4500003"], "b": ["0.1", "0.45"], "c": ["0.0", "0.1"]}
    assert flip_bound_of(Sample(labels=["a", "b"], classes=classes), tolerance).flippable == 1
