"""The statistics of decay against a table of the literature, and against an estimator that is written out here."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.history.decay import Life, causes, curve, curves, drifts
from auditor.history.facts import Facts
from auditor.history.record import Executed, Judged
from auditor.model.comparison import Comparison, ReproductionResult, Tolerance
from auditor.model.finding import Result
from auditor.model.words import Agreement, EvidenceLevel, Outcome, Severity, Verdict

RUN = Judged(
    seq=1, audit=1, digest="sha256:a", graded="2026-01-01T00:00:00+00:00", state="read", then=Verdict.OPEN,
    today=Verdict.OPEN, rules="", id="a", identity="canonical", manifest="a.run.yaml", results="", facts=Facts(),
)  # fmt: skip

# Remission under 6-mercaptopurine in weeks (Freireich et al. 1963, Blood 21, 699).
ENDED = (6, 6, 6, 7, 10, 13, 16, 22, 23)
GOING_ON = (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)
PUBLISHED = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}


def life(age, *, ended, **facts):
    return Life(run=msgspec.structs.replace(RUN, facts=Facts(**facts)), age=float(age), ended=ended)


def by_hand(members):
    """The product over all ages at which something ended of the share of those at risk that went on."""
    share, found = 1.0, {}
    for age in sorted({one.age for one in members if one.ended}):
        at_risk = sum(one.age >= age for one in members)
        share *= 1 - sum(one.ended and one.age == age for one in members) / at_risk
        found[age] = share
    return found


def test_a_published_curve():
    made = curve("weeks", [*(life(age, ended=True) for age in ENDED), *(life(age, ended=False) for age in GOING_ON)])
    at = dict(zip(made.ages, made.share, strict=True))
    assert {week: round(at[week], 3) for week in PUBLISHED} == PUBLISHED
    assert (made.runs, made.events, made.half_life) == (21, 9, 23.0)
    assert all(low <= share <= high for low, share, high in zip(made.low, made.share, made.high, strict=True))


@given(st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_it_is_the_product_limit(members):
    found = [life(age, ended=ended) for age, ended in members]
    made = curve("x", found)
    at = dict(zip(made.ages, made.share, strict=True))
    for age, share in by_hand(found).items():
        assert math.isclose(at[age], share, abs_tol=1e-12)
    assert all(0 <= low <= high <= 1 for low, high in zip(made.low, made.high, strict=True))


def test_what_never_ended_has_no_half_life():
    made = curve("x", [life(10, ended=False)] * 5)
    assert (made.events, made.half_life, set(made.share)) == (0, None, {1.0})


def test_groups_are_those_with_enough_members():
    many = [life(n + 1, ended=True, framework="torch", executor="one") for n in range(40)]
    few = [life(5, ended=True, framework="jax")]
    names = [made.name for made in curves([*many, *few])]
    assert names[0] == "all runs"
    assert "framework torch" in names
    assert "executor one" in names
    assert "framework jax" not in names
    assert curves([]) == []


class Results:
    """As much of a record as the tally of causes asks for."""

    def __init__(self, results):
        self._results = results

    def results(self, _name):
        return self._results


def result(check, outcome, severity=Severity.MAJOR, **more):
    return Result(check=check, outcome=outcome, severity=severity, evidence=EvidenceLevel.DECLARED, **more)


def test_causes_are_what_weighs_in_runs_that_are_not_open():
    record = Results(
        (
            result("data/gone", Outcome.FAILED),
            result("data/minor", Outcome.FAILED, Severity.MINOR),
            result("data/waived", Outcome.FAILED, waived=True),
            result("data/unknown", Outcome.INCONCLUSIVE),
            result("data/fine", Outcome.PASSED),
        )
    )
    blocked = msgspec.structs.replace(RUN, today=Verdict.BLOCKED)
    assert causes(record, [RUN, blocked, blocked]) == [("data/gone", 2), ("data/unknown", 2)]


@pytest.mark.parametrize(("agreement", "counts"), [(Agreement.DIVERGED, True), (Agreement.REFUSED, False)])
def test_a_metric_drifts_between_executions(agreement, counts):
    def executed(seq, actual):
        compared = Comparison(
            of="metric:loss", expected=0.5, actual=actual, agreement=agreement, tolerance=Tolerance(absolute=0.1)
        )
        reproduction = ReproductionResult(
            name="smoke", tier="smoke", agreement=agreement, isolation="bwrap", seconds=1.0, comparisons=(compared,)
        )
        return Executed(seq=seq, audit=1, digest="sha256:a", executed="", outcome="", reproductions=(reproduction,))

    found = drifts([executed(1, 0.52), executed(2, 0.7)])
    if not counts:
        assert found == []
        return
    (drift,) = found
    assert (drift.metric, drift.claimed, drift.actual, drift.allowed) == ("loss", 0.5, (0.52, 0.7), pytest.approx(0.1))
