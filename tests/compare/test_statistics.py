"""Published and tabulated values of every formula, and the words that each test may say."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from auditor.compare.statistics import equivalence as tost
from auditor.compare.statistics import interval
from auditor.compare.statistics.base import Judgement, Spread, spread
from auditor.compare.statistics.equivalence import equivalence
from auditor.compare.statistics.holm import holm, rejected
from auditor.compare.statistics.interval import prediction_interval
from auditor.compare.statistics.pooling import pooled, shrunk
from auditor.compare.statistics.rcp import convergence, reference_point
from auditor.compare.statistics.selection import cherry_picked, expected_best
from auditor.errors import UndecidableError
from auditor.model.words import Agreement

RUNS = [0.90, 0.91, 0.92, 0.90, 0.91]


@pytest.mark.parametrize(
    ("n", "at_95", "at_99"),
    [(2, 15.6, 78), (3, 4.97, 11.5), (5, 3.04, 5.04), (8, 2.51, 3.71), (10, 2.37, 3.41), (20, 2.14, 2.93), (30, 2.08, 2.80)],
)
def test_factors_of_the_prediction_interval(n, at_95, at_99):
    assert interval.factor(n) == pytest.approx(at_95, rel=3e-3)
    assert interval.factor(n, alpha=0.01) == pytest.approx(at_99, rel=4e-3)


@pytest.mark.parametrize(
    ("n", "drift", "power"),
    [(5, 2, 0.29), (5, 3, 0.55), (5, 4, 0.78), (5, 5, 0.92), (10, 3, 0.72), (10, 4, 0.92), (20, 3, 0.79), (20, 4, 0.96)],
)
def test_power_of_the_prediction_interval(n, drift, power):
    assert interval.power(drift, n) == pytest.approx(power, abs=6e-3)


def test_without_a_drift_the_power_is_the_level():
    for better, alpha in (("either", 0.05), ("higher", 0.05), ("either", 0.01)):
        assert interval.power(0, 7, alpha=alpha, better=better) == pytest.approx(alpha)


@pytest.mark.parametrize(("n", "drift"), [(3, 6.5), (5, 4.1), (8, 3.5), (10, 3.3), (20, 3.0)])
def test_smallest_detectable_drift(n, drift):
    assert interval.detectable(n) == pytest.approx(drift, abs=0.05)
    assert interval.power(interval.detectable(n), n) == pytest.approx(0.8)


def test_honest_runs_are_called_diverged_as_often_as_the_level_says():
    runs = np.random.default_rng(0).normal(size=(20_000, 6))
    references, new = runs[:, :5], runs[:, 5]
    inside = abs(new - references.mean(axis=1)) <= interval.factor(5) * references.std(axis=1, ddof=1)
    assert 1 - inside.mean() == pytest.approx(0.05, abs=0.005)


def test_a_new_run_is_consistent_diverged_or_inconclusive():
    found = prediction_interval(RUNS, [0.905])
    assert (found.word, found.agreement) == ("consistent", Agreement.STATISTICALLY_CONSISTENT)
    assert found.detectable == pytest.approx(interval.detectable(5) * np.std(RUNS, ddof=1))
    assert f"{found.detectable:.3g} would be seen" in found.note
    assert prediction_interval(RUNS, [0.95]).agreement is Agreement.DIVERGED
    assert prediction_interval(RUNS, [0.95], better="higher").word == "consistent"
    assert prediction_interval(RUNS, [0.85], better="higher").word == "diverged"
    assert prediction_interval(RUNS, [0.95], better="lower").word == "diverged"
    # what is wider than the difference that matters proves nothing
    wide = prediction_interval(RUNS, [0.905], margin=0.01)
    assert (wide.agreement, wide.word) == (Agreement.INCONCLUSIVE, "inconclusive")
    assert "more reference runs" in wide.note
    assert prediction_interval(RUNS, [0.95], margin=0.01).word == "diverged"
    # several new runs narrow the interval
    assert prediction_interval(RUNS, [0.905] * 5).high < found.high


def test_too_few_runs_or_none_that_vary_are_inconclusive():
    for references, new in [([], [1.0]), ([1.0], [1.0]), (RUNS, []), ([1.0] * 5, [1.0]), ([1.0] * 5, [2.0])]:
        found = prediction_interval(references, new)
        assert found.agreement is Agreement.INCONCLUSIVE
        assert found.detectable is None
    with pytest.raises(UndecidableError, match="not finite"):
        prediction_interval([1.0, math.nan], [1.0])
    with pytest.raises(ValueError, match="significance"):
        prediction_interval(RUNS, [0.9], alpha=0.5)


def test_the_interval_is_never_narrower_than_the_step_of_the_figure():
    close = [0.9, 0.9, 0.9, 0.9, 0.9001]
    assert prediction_interval(close, [0.905]).word == "diverged"
    found = prediction_interval(close, [0.905], floor=0.01)
    assert (found.word, found.detectable) == ("consistent", 0.01)


def test_a_pooled_deviation_serves_a_single_reference_run():
    prior = Spread(sd=0.01, df=12)
    found = prediction_interval([0.9], [0.92], prior=prior)
    assert found.high - 0.9 == pytest.approx(stats.t.ppf(0.975, 12) * 0.01 * math.sqrt(2))
    assert found.word == "consistent"


@pytest.mark.parametrize(("margin", "runs"), [(0.5, 70), (1, 18), (1.5, 9), (2, 6), (3, 3)])
def test_runs_needed_for_equivalence(margin, runs):
    assert tost.runs_needed(margin) == runs


ARM = st.lists(st.floats(-5, 5), min_size=2, max_size=8, unique=True)


@given(ARM, ARM, st.floats(0.1, 5))
@settings(max_examples=60, deadline=None)
def test_equivalence_is_two_t_tests_of_scipy(one, other, margin):
    if spread(one).sd < 1e-3 or spread(other).sd < 1e-3:
        return
    found = equivalence(one, other, margin=margin)
    above = stats.ttest_ind(np.array(other) + margin, one, equal_var=False, alternative="greater").pvalue
    below = stats.ttest_ind(np.array(other) - margin, one, equal_var=False, alternative="less").pvalue
    assert found.p == pytest.approx(max(above, below), abs=1e-9)
    assert (found.word == "equivalent") == (found.p < 0.05)
    assert (found.word == "equivalent") == (-margin < found.low and found.high < margin)


def test_only_equivalence_says_equivalent_and_no_difference_is_not_enough():
    same = [0.90, 0.91, 0.92, 0.90, 0.91, 0.915]
    assert equivalence(same, same[::-1], margin=0.05).word == "equivalent"
    # not significantly different, and yet not shown to be the same
    assert stats.ttest_ind(same[:3], [0.93, 0.89, 0.94], equal_var=False).pvalue > 0.05
    assert equivalence(same[:3], [0.93, 0.89, 0.94], margin=0.01).agreement is Agreement.INCONCLUSIVE
    assert equivalence(same, [value + 0.1 for value in same], margin=0.05).agreement is Agreement.DIVERGED
    assert equivalence([1.0, 1.0], [1.0, 1.0], margin=1).word == "inconclusive"
    assert equivalence([1.0], same, margin=1).word == "inconclusive"
    with pytest.raises(ValueError, match="margin"):
        equivalence(same, same, margin=0)


FIRST = [16, 14, 16, 17, 16, 16, 15, 16, 15, 16]
SECOND = [20, 21, 21, 20, 22, 22, 21, 21, 20, 20]


@pytest.mark.parametrize(
    ("runs", "definition", "figures"),
    [
        (FIRST, "rules", (15.75, 0.4330, 15.2126, 0.0353)),
        (SECOND, "rules", (20.75, 0.6614, 19.9291, 0.0412)),
        (FIRST, "checker", (15.75, 0.7810, 14.7807, 0.0656)),
        (SECOND, "checker", (20.75, 0.7483, 19.8213, 0.0469)),
    ],
)
def test_reference_convergence_points(runs, definition, figures):
    point = reference_point(runs, 5, definition=definition)
    assert (point.mean, point.sd, point.fastest, point.speedup) == pytest.approx(figures, abs=6e-5)


def test_submissions_against_a_convergence_point():
    allowed = convergence(FIRST, [15, 15, 15, 16, 16], definition="rules")
    assert allowed.agreement is Agreement.STATISTICALLY_CONSISTENT
    assert "15.3333" in allowed.note
    assert f"normalise by {15.75 / (46 / 3):.6g}" in allowed.note
    assert convergence(SECOND, [19, 19, 19, 20, 21], definition="rules").agreement is Agreement.DIVERGED
    # between the two definitions lies what only the checker lets pass
    between = [14, 15, 15, 15, 17]
    assert convergence(FIRST, between, definition="rules").word == "diverged"
    assert convergence(FIRST, between, definition="checker").word == "consistent"
    # slower is never wrong, and is not normalised
    assert convergence(FIRST, [30] * 5, definition="rules").note.endswith("normalise by 1")
    # one run may fail to converge: it is the slowest that is dropped
    assert convergence(FIRST, [15, 15, 16, 15, None], definition="rules").word == "consistent"
    assert convergence(FIRST, [15, 15, 16, None, None], definition="rules").word == "diverged"
    few = convergence(FIRST[:9], [15, 15, 15, 16, 16], definition="rules")
    assert (few.word, "too few" in few.note) == ("inconclusive", True)


def test_a_picked_seed():
    others = np.random.default_rng(1).normal(0.9, 0.01, 10).tolist()
    honest = cherry_picked(0.905, others)
    assert (honest.word, honest.low) == ("consistent", -math.inf)
    assert honest.high == pytest.approx(np.mean(others) + stats.t.ppf(0.95, 9) * np.std(others, ddof=1) * math.sqrt(1.1))
    picked = cherry_picked(0.95, others)
    assert (picked.word, picked.p) == ("diverged", pytest.approx(1 / 11))
    assert cherry_picked(0.85, others).word == "consistent"
    assert cherry_picked(0.85, others, better="lower").word == "diverged"
    assert cherry_picked(0.95, others, better="lower").word == "consistent"
    assert cherry_picked(0.9, [0.9] * 5).word == cherry_picked(0.9, [0.9]).word == "inconclusive"


def test_limit_and_rank_that_contradict_each_other_are_inconclusive():
    # bimodal: better than all of 39 others, and yet within the limit of a normal distribution
    found = cherry_picked(0.9001, [0.5] * 20 + [0.9] * 19)
    assert (found.word, found.p) == ("inconclusive", 1 / 40)
    assert "contradict" in found.note


@pytest.mark.parametrize(
    ("k", "best"), [(1, 0), (2, 1 / math.sqrt(math.pi)), (3, 0.846), (5, 1.163), (10, 1.539), (20, 1.867), (100, 2.508)]
)
def test_inflation_of_the_best_of_k(k, best):
    assert expected_best(k) == pytest.approx(best, abs=2e-3)


def test_pooled_and_shrunk_deviations():
    groups = [[1.0, 2.0, 3.0], [10.0, 14.0], [5.0]]
    found = pooled(groups)
    assert (found.sd, found.df) == (pytest.approx(math.sqrt((2 + 8) / 3)), 3)
    with pytest.raises(UndecidableError, match="two runs"):
        pooled([[1.0], [2.0]])
    near = shrunk(Spread(sd=2, df=2), Spread(sd=1, df=8))
    assert (near.sd, near.df) == (pytest.approx(math.sqrt((8 + 8) / 10)), 10)
    assert shrunk(None, Spread(sd=1, df=8)) == Spread(sd=1, df=8)


def test_holm_over_many_metrics():
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert found == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert rejected({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == ("a", "d")
    assert holm({}) == {}
    with pytest.raises(ValueError, match="p-value"):
        holm({"a": math.nan})


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.001, 0.499))
def test_holm_lies_between_each_alone_and_bonferroni(values, alpha):
    names = dict(zip(map(str, range(len(values))), values, strict=True))
    found = holm(names)
    for name, p in names.items():
        assert p <= found[name] <= min(1, p * len(values)) + 1e-12
    assert {name for name, p in names.items() if p * len(values) <= alpha} <= set(rejected(names, alpha))


def test_words_on_the_ladder_of_agreements():
    words = {"consistent": "statistically-consistent", "equivalent": "statistically-consistent"}
    for word in ("consistent", "equivalent", "inconclusive", "diverged"):
        found = Judgement(test="", word=word, low=0, high=0, note="")
        assert found.agreement == words.get(word, word)


def test_without_scipy_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(UndecidableError, match="scipy") as error:
        prediction_interval(RUNS, [0.9])
    assert "statistics" in error.value.hint
