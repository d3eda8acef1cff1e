"""Bands: which files are taken, which bands count between two machines, and what a figure inside or outside comes to."""

from __future__ import annotations

import datetime as dt
import json

import msgspec
import pytest

from auditor.compare.banded import by_bands, decided, widest
from auditor.compare.bands import document, read_bands
from auditor.compare.known import counting
from auditor.compare.metrics import compare_metric
from auditor.compare.tolerance import between, metric_tolerance, tensor_tolerance
from auditor.errors import UnreadableError
from auditor.model.band import Band, Calibration, Machine
from auditor.model.comparison import Tolerance
from auditor.model.policy import ForPair, MetricPair, Pair, Tolerances
from auditor.model.words import Agreement

STACK, OTHER_STACK, RUN, OTHER_RUN = (f"sha256:{digit * 64}" for digit in "1234")
HERE, THERE = Machine(class_="x86_64-avx2-0", stack=STACK), Machine(class_="x86_64-avx512f-1", stack=STACK)
ACCURACY = Band(of="metric:accuracy", n=5, mean=0.93, s=0.004)
TODAY = dt.date(2026, 6, 1)


def calibration(*bands, **changes):
    made = Calibration(executors=(HERE, THERE), runs=(RUN,), bands=bands or (ACCURACY,))
    return msgspec.structs.replace(made, **changes)


def known(*bands, machines=(THERE, HERE), run=RUN, today=TODAY, **changes):
    return counting([calibration(*bands, **changes)], machines, run=run, today=today)


def judged(expected, actual, *bands, pair=None, run=OTHER_RUN):
    tolerances = Tolerances(metrics={"*": pair or MetricPair(relative=1e-6)})
    settled = between(tolerances, (HERE, THERE), known(*bands, run=run))
    plain = compare_metric("accuracy", expected, actual, metric_tolerance(settled, "accuracy"))
    (found,) = by_bands([plain], settled)
    return found


class TestFiles:
    def read(self, value):
        return read_bands(json.dumps(value).encode(), source="a.json")

    def test_what_is_written_is_read_again(self):
        made = calibration(
            ACCURACY,
            Band(of="tensor:layer.*", n=4, absolute=1e-6, relative=1e-4),
            Band(of="trace:loss", n=4, absolute=1e-6, relative=0.0, horizon=640),
            expires="2026-12-31",
            varied=("seed",),
        )
        assert self.read(document(made)) == made

    def test_a_factor_that_is_printed_is_the_one_of_its_repeats(self):
        assert self.read(document(calibration(msgspec.structs.replace(ACCURACY, factor=3.04)))).bands[0].factor == 3.04

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            (
                {"bands": [{"of": "metric:a", "n": 5, "mean": 0, "s": 1, "factor": 30}]},
                "/bands/0/factor: the factor 30 is not",
            ),
            ({"bands": [{"of": "metric:a", "n": 1, "mean": 0, "s": 1}]}, "/bands/0"),
            ({"bands": [{"of": "metric:a", "n": 5, "mean": 0, "s": -1}]}, "/bands/0"),
            ({"bands": [{"of": "metric:a", "n": 5, "mean": 0, "s": 1, "alpha": 0.5}]}, "/bands/0"),
            ({"bands": [{"of": "tensor:a", "n": 5, "absolute": 0, "relative": 1}]}, "/bands/0"),
            ({"bands": [{"of": "tensor:a", "n": 5, "mean": 0, "s": 1}]}, "/bands/0"),
            ({"bands": [{"of": "metric:a", "n": 5, "mean": 0, "s": 1}] * 2}, "has two bands"),
            ({"bands": []}, "/bands"),
            ({"executors": [{"class": "a", "stack": STACK}]}, "/executors"),
            ({"expires": "2026-02-30"}, "is no day"),
            ({"schema": "auditor/policy/v1"}, "this is a policy"),
            ({"surprise": 1}, "surprise"),
        ],
    )
    def test_what_contradicts_itself_is_refused_with_its_place(self, changes, words):
        with pytest.raises(UnreadableError, match=r"a\.json") as refusal:
            self.read(document(calibration()) | changes)
        assert words in str(refusal.value)
        assert refusal.value.hint


class TestWhichCount:
    def test_the_pair_in_either_order(self):
        assert known(machines=(HERE, THERE))
        assert known(machines=(THERE, HERE))

    @pytest.mark.parametrize(
        "machines",
        [(HERE, HERE), (HERE, None), (HERE, msgspec.structs.replace(THERE, stack=OTHER_STACK))],
    )
    def test_another_pair_or_another_numeric_stack_ends_it(self, machines):
        assert not known(machines=machines)

    def test_the_last_day_counts_and_the_next_does_not(self):
        assert known(expires="2026-06-01")
        assert not known(expires="2026-05-31")

    def test_one_machine_twice_is_a_pair(self):
        assert known(machines=(HERE, HERE), executors=(HERE, HERE))

    def test_the_most_specific_pattern_about_the_run_itself(self):
        found = known(Band(of="metric:*", n=9, mean=0, s=1), Band(of="metric:acc*", n=3, mean=0, s=1))
        assert found.find("metric", "accuracy")[0].n == 3
        assert found.find("metric", "loss")[0].n == 9
        assert found.find("tensor", "accuracy") is None


class TestFigures:
    """Of five repeats with deviation 0.004, two draws may be t(.975, 4) * 0.004 * sqrt(2) = 0.0157 apart."""

    def test_two_draws_of_another_run(self):
        inside = judged(0.90, 0.9156)
        assert inside.agreement is Agreement.STATISTICALLY_CONSISTENT
        assert inside.tolerance.absolute == pytest.approx(0.01570, abs=1e-5)
        assert inside.excess == pytest.approx(0.0156 / 0.01570, rel=1e-3)
        assert inside.detectable > inside.tolerance.absolute
        assert "would be seen with 80% power" in inside.note
        assert decided([inside])
        assert judged(0.90, 0.9158).agreement is Agreement.DIVERGED

    def test_the_mean_counts_for_the_run_that_was_repeated(self):
        """k(5) = 3.04: 0.93 ± 0.01216, on both sides of the claim."""
        assert judged(0.942, 0.920, run=RUN).agreement is Agreement.STATISTICALLY_CONSISTENT
        assert judged(0.9425, 0.930, run=RUN).agreement is Agreement.DIVERGED
        assert judged(0.930, 0.9175, run=RUN).agreement is Agreement.DIVERGED

    def test_a_figure_within_its_fixed_tolerance_needs_no_statistics(self):
        found = judged(0.93, 0.93 + 1e-9)
        assert found.agreement is Agreement.WITHIN_TOLERANCE
        assert not decided([found])

    def test_the_widest_band_is_what_could_come_to_be_allowed(self):
        fixed = Tolerance(absolute=1e-3)
        assert widest(fixed, [calibration()], "loss") == fixed
        assert widest(fixed, [calibration(msgspec.structs.replace(ACCURACY, s=1e-6))], "accuracy") == fixed
        wide = widest(
            fixed, [calibration(), calibration(msgspec.structs.replace(ACCURACY, of="metric:*", s=0.04))], "accuracy"
        )
        assert wide.absolute == pytest.approx(2.7764 * 0.04 * 2**0.5, rel=1e-4)

    def test_what_is_missing_stays_diverged(self):
        assert judged(0.93, None).agreement is Agreement.DIVERGED
        assert judged(0.93, float("nan")).agreement is Agreement.DIVERGED

    def test_repeats_that_do_not_vary_excuse_nothing(self):
        found = judged(0.93, 0.931, msgspec.structs.replace(ACCURACY, s=0.0))
        assert found.agreement is Agreement.DIVERGED
        assert "one and the same figure" in found.note

    def test_two_repeats_have_too_little_power(self):
        found = judged(0.93, 0.935, msgspec.structs.replace(ACCURACY, n=2))
        assert found.agreement is Agreement.INCONCLUSIVE
        assert "too little power" in found.note

    def test_a_margin_narrower_than_the_band_decides_nothing(self):
        assert judged(0.93, 0.935, pair=MetricPair(margin=0.01)).agreement is Agreement.INCONCLUSIVE
        assert judged(0.93, 0.935, pair=MetricPair(margin=0.02)).agreement is Agreement.STATISTICALLY_CONSISTENT

    def test_a_pooled_spread_has_its_own_degrees_of_freedom(self):
        pooled = judged(0.90, 0.9130, msgspec.structs.replace(ACCURACY, df=40.0))
        assert pooled.agreement is Agreement.DIVERGED
        assert pooled.tolerance.absolute == pytest.approx(2.0211 * 0.004 * 2**0.5, rel=1e-4)

    def test_a_change_for_the_better_is_welcome_where_the_policy_says_so(self):
        assert judged(0.90, 0.99, pair=MetricPair(better="higher")).agreement is Agreement.WITHIN_TOLERANCE
        assert judged(0.90, 0.99, pair=MetricPair(better="lower")).agreement is Agreement.DIVERGED
        worse = judged(0.93, 0.92, pair=MetricPair(better="higher"))
        assert worse.agreement is Agreement.STATISTICALLY_CONSISTENT
        assert worse.tolerance.absolute == pytest.approx(2.1318 * 0.004 * 2**0.5, rel=1e-4)


class TestTensors:
    def test_auto_is_what_was_learned_and_a_pair_of_the_policy_stays(self):
        learned = known(Band(of="tensor:head.*", n=4, absolute=1e-3, relative=1e-2))
        tolerances = between(Tolerances(tensors={"*": "auto", "head.fixed": Pair(absolute=1.0)}), (HERE, THERE), learned)
        for same in (False, True):
            found = tensor_tolerance(tolerances, "head.weight", "float32", same_executor=same)
            assert (found.absolute, found.relative, found.source) == (1e-3, 1e-2, "band: head.*, 4 repeats")
        assert tensor_tolerance(tolerances, "head.fixed", "float32", same_executor=True).absolute == 1.0
        assert tensor_tolerance(tolerances, "body", "float32", same_executor=True).absolute == 0.0

    def test_a_number_format_and_a_pair_of_machines_have_their_own(self):
        pairs = (ForPair(executors=("x86_64-avx512*", "x86_64-avx2*"), dtypes={"float32": Pair(absolute=0.25)}),)
        policy = Tolerances(dtypes={"float32": Pair(absolute=0.5)}, pairs=pairs)
        near, far = between(policy, (HERE, THERE)), between(policy, (HERE, None))
        assert tensor_tolerance(near, "w", "float32", same_executor=False).absolute == 0.25
        assert tensor_tolerance(far, "w", "float32", same_executor=False).absolute == 0.5
        assert tensor_tolerance(far, "w", "float64", same_executor=False).relative == 1e-9
        assert tensor_tolerance(near, "w", "float32", same_executor=True).absolute == 0.0
