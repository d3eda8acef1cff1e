"""Results add up to a verdict, and a verdict to an exit code."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.model.finding import Result
from auditor.model.policy import Gate
from auditor.model.words import Exit, Outcome, Severity, Verdict
from auditor.policy.judge import exit_of, verdict_of

RESULTS = st.builds(
    Result,
    check=st.just("data/leak"),
    outcome=st.sampled_from(Outcome),
    severity=st.sampled_from(Severity),
    waived=st.booleans(),
)
GATES = st.builds(Gate, block_at=st.sampled_from(Severity), on_nothing=st.sampled_from(["open", "undecided"]))


def verdict(outcome, severity=Severity.MAJOR, *, waived=False, gate=Gate()):  # noqa: B008  (frozen)
    return verdict_of([Result(check="data/leak", outcome=outcome, severity=severity, waived=waived)], gate)


@pytest.mark.parametrize("severity", [Severity.MAJOR, Severity.BLOCKER])
@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome.PASSED, Verdict.OPEN),
        (Outcome.NOT_APPLICABLE, Verdict.OPEN),
        (Outcome.FAILED, Verdict.BLOCKED),
        (Outcome.INCONCLUSIVE, Verdict.UNDECIDED),
        (Outcome.CRASHED, Verdict.UNDECIDED),
    ],
)
def test_at_or_above_block_at(outcome, severity, expected):
    assert verdict(outcome, severity) is expected


@pytest.mark.parametrize("outcome", Outcome)
def test_below_block_at_everything_is_listed_only(outcome):
    assert verdict(outcome, Severity.MINOR) is Verdict.OPEN


@pytest.mark.parametrize("outcome", Outcome)
def test_a_waived_result_neither_blocks_nor_undecides(outcome):
    assert verdict(outcome, Severity.BLOCKER, waived=True) is Verdict.OPEN


def test_one_failure_outweighs_everything_that_was_not_decided():
    results = [
        Result(check="data/leak", outcome=outcome, severity=Severity.MAJOR)
        for outcome in (Outcome.CRASHED, Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.PASSED)
    ]
    assert verdict_of(results, Gate()) is Verdict.BLOCKED


@pytest.mark.parametrize("word", ["open", "undecided"])
def test_nothing_is_what_the_gate_says_of_nothing(word):
    assert verdict_of([], Gate(on_nothing=word)) == word
    assert verdict_of(iter([]), Gate(on_nothing=word)) == word


@given(results=st.lists(RESULTS, min_size=1), gate=GATES, more=RESULTS)
def test_another_result_never_makes_a_verdict_better(results, gate, more):
    assert verdict_of([*results, more], gate) >= verdict_of(results, gate)


@given(results=st.lists(RESULTS, min_size=1), gate=GATES)
def test_a_lower_threshold_never_makes_a_verdict_better(results, gate):
    verdicts = [verdict_of(results, msgspec.structs.replace(gate, block_at=severity)) for severity in Severity]
    assert verdicts == sorted(verdicts, reverse=True)


@given(results=st.lists(RESULTS), gate=GATES)
def test_the_order_of_results_does_not_matter(results, gate):
    assert verdict_of(results, gate) is verdict_of(results[::-1], gate)


@pytest.mark.parametrize(
    ("word", "code"), [(Verdict.OPEN, Exit.OPEN), (Verdict.BLOCKED, Exit.BLOCKED), (Verdict.UNDECIDED, Exit.UNDECIDED)]
)
def test_exit_codes(word, code):
    assert exit_of(word, "enforce") is code
    assert exit_of(word, "report-only") is Exit.OPEN
