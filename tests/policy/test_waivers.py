"""A waiver excuses one run from one meaning of one check, for a while, and only when somebody answers for it."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from auditor.model.finding import Result, Rule
from auditor.model.policy import Gate, Waiver
from auditor.model.words import EvidenceLevel, Outcome, Severity, Verdict
from auditor.policy.judge import verdict_of
from auditor.policy.waivers import LONGEST, apply, rule_digest

TODAY = dt.date(2026, 3, 1)
RULE = Rule(id="data/leak", summary="x", severity=Severity.MAJOR, evidence=EvidenceLevel.RECOMPUTED, since="0.1.0")
DIGESTS = {"data/leak": rule_digest(RULE), "data/other": "sha256:1"}
FAILED = Result(check="data/leak", outcome=Outcome.FAILED, severity=Severity.MAJOR)
GOOD = Waiver(run="r1", check="data/leak", reason="vendor data", owner="ada", until="2026-03-31", rule=rule_digest(RULE))


def applied(*waivers, results=(FAILED,), run_id="r1", run_digest=None):
    return apply(results, waivers, run_id=run_id, run_digest=run_digest, today=TODAY, digests=DIGESTS)


def changed(**changes):
    return msgspec.structs.replace(GOOD, **changes)


def test_a_valid_waiver_excuses_a_failure_that_stays_visible():
    answer = applied(GOOD)
    assert answer.results == (msgspec.structs.replace(FAILED, waived=True),)
    assert answer.refused == ()
    assert verdict_of(answer.results, Gate()) is Verdict.OPEN


def test_the_run_can_be_named_by_its_digest():
    waiver = changed(run="sha256:abc")
    assert applied(waiver, run_digest="sha256:abc").results[0].waived
    assert not applied(waiver, run_digest="sha256:def").results[0].waived


@pytest.mark.parametrize("until", [TODAY, TODAY + dt.timedelta(days=LONGEST)])
def test_the_last_day_counts(until):
    assert applied(changed(until=until.isoformat())).results[0].waived


REFUSED = {
    "expired": (changed(until="2026-02-28"), "expired on 2026-02-28"),
    "too long": (changed(until=(TODAY + dt.timedelta(days=LONGEST + 1)).isoformat()), "more than 366 days"),
    "no day": (changed(until="2026-02-30"), "no day"),
    "another rule": (changed(rule="sha256:0"), "another meaning"),
    "no rule": (changed(rule=None), "not bound to the rule"),
    "no owner": (changed(owner=" "), "no owner"),
    "no reason": (changed(reason=""), "no reason"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_waiver_that_does_not_hold_is_reported_and_excuses_nothing(name):
    waiver, why = REFUSED[name]
    answer = applied(changed(check="data/other"), waiver)
    assert answer.results == (FAILED,)
    (finding,) = answer.refused
    assert why in finding.message
    assert finding.pointer == "/waivers/1"
    assert finding.fix
    assert verdict_of(answer.results, Gate()) is Verdict.BLOCKED


def test_a_waiver_without_a_rule_is_told_which_one():
    assert rule_digest(RULE) in applied(changed(rule=None)).refused[0].fix


def test_a_check_that_is_not_in_force_cannot_be_waived():
    result = msgspec.structs.replace(FAILED, check="data/gone")
    answer = applied(changed(check="data/gone"), results=(result,))
    assert not answer.results[0].waived
    assert "not in force" in answer.refused[0].message


@pytest.mark.parametrize(
    "waiver", [changed(run="r2"), changed(check="data/other"), changed(run="*"), changed(check="data/*")]
)
def test_a_waiver_for_something_else_is_no_business_of_this_run(waiver):
    answer = applied(waiver)
    assert answer.results == (FAILED,)
    assert answer.refused == ()


def test_one_that_holds_is_enough_and_the_old_one_beside_it_no_complaint():
    answer = applied(changed(until="2026-01-01"), GOOD)
    assert answer.results[0].waived
    assert answer.refused == ()


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.FAILED])
def test_only_a_failure_can_be_waived(outcome):
    result = msgspec.structs.replace(FAILED, outcome=outcome)
    answer = applied(GOOD, changed(until="2026-01-01"), results=(result,))
    assert answer.results == (result,)
    assert answer.refused == ()


def test_a_manifest_that_cannot_be_read_is_never_excused():
    assert applied(GOOD, run_id=None).results == (FAILED,)


def test_all_results_come_back_in_order():
    results = tuple(msgspec.structs.replace(FAILED, check=f"data/{name}") for name in ("b", "leak", "a"))
    assert [r.check for r in applied(GOOD, results=results).results] == ["data/b", "data/leak", "data/a"]


def test_a_better_text_leaves_waivers_alone_and_a_new_meaning_voids_them():
    assert rule_digest(msgspec.structs.replace(RULE, summary="told better", severity=Severity.MINOR)) == rule_digest(RULE)
    assert rule_digest(msgspec.structs.replace(RULE, version=2)) != rule_digest(RULE)
    assert rule_digest(msgspec.structs.replace(RULE, id="data/other")) != rule_digest(RULE)
