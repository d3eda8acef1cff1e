from __future__ import annotations

from collections.abc import Iterator

import pytest

from auditor.catalogue.check import Check
from auditor.catalogue.checklists import Selected
from auditor.engine import MOST_FINDINGS, Gathered, ask
from auditor.evidence.unanswered import Inconclusive, NotApplicable
from auditor.model.finding import Finding, Result, Rule
from auditor.model.words import EvidenceLevel, Outcome, Severity

FLAW = Finding(message="wrong", fix="mend it", pointer="/a")


def selected(function, *parameters: str, name: str = "data/some-defect", evidence=EvidenceLevel.RECOMPUTED) -> Selected:
    rule = Rule(id=name, summary="...", severity=Severity.BLOCKER, evidence=evidence, since="0.1.0")
    return Selected(check=Check(rule=rule, page="", function=function, parameters=parameters), severity=Severity.MINOR)


def answer(function, *parameters: str, gathered: Gathered | None = None) -> Result:
    (result,) = ask([selected(function, *parameters)], gathered or Gathered({}))
    return result


def nothing() -> Iterator[Finding]:
    yield from ()


class TestOutcomes:
    def test_nothing_found_is_passed_at_the_level_of_the_rule(self):
        result = answer(nothing)
        assert (result.outcome, result.evidence, result.reason) == (Outcome.PASSED, EvidenceLevel.RECOMPUTED, None)
        assert result.severity is Severity.MINOR  # the selection's, not the rule's

    @pytest.mark.parametrize(
        ("raised", "outcome"),
        [(Inconclusive("too dark"), Outcome.INCONCLUSIVE), (NotApplicable("no such thing"), Outcome.NOT_APPLICABLE)],
    )
    def test_no_answer_is_an_outcome_with_its_reason(self, raised, outcome):
        def check():
            raise raised
            yield

        result = answer(check)
        assert (result.outcome, result.reason, result.findings) == (outcome, raised.reason, ())
        assert result.evidence is EvidenceLevel.DECLARED

    def test_findings_before_inconclusive_stay_and_count_as_failed(self):
        def check():
            yield FLAW
            raise Inconclusive("the rest is not here")

        result = answer(check)
        assert (result.outcome, result.reason) == (Outcome.FAILED, "the rest is not here")
        assert result.findings == (FLAW,)
        assert result.evidence is EvidenceLevel.RECOMPUTED

    def test_crash_is_crashed_in_words_and_keeps_what_was_found(self):
        def check():
            yield FLAW
            raise KeyError("surprise")

        result = answer(check)
        assert result.outcome is Outcome.CRASHED
        assert result.reason.startswith("a fault in the check, not in the run: KeyError: 'surprise' (check, line ")
        assert result.findings == (FLAW,)
        assert result.evidence is EvidenceLevel.DECLARED

    def test_crash_takes_no_other_check_down(self):
        def crash():
            return 1 / 0

        results = ask([selected(crash, name="data/one-crash"), selected(nothing, name="data/other-check")], Gathered({}))
        assert [(r.check, r.outcome) for r in results] == [("data/one-crash", "crashed"), ("data/other-check", "passed")]

    def test_check_that_forgets_to_yield_is_no_pass(self):
        assert answer(lambda: None).outcome is Outcome.CRASHED

    def test_interruption_is_not_swallowed(self):
        def check():
            raise KeyboardInterrupt
            yield

        with pytest.raises(KeyboardInterrupt):
            answer(check)


class TestEvidenceLevel:
    @pytest.mark.parametrize(
        ("rule", "yielded", "level"),
        [
            ("recomputed", ["consistent"], "consistent"),
            ("recomputed", ["independent"], "recomputed"),
            ("re-executed", ["recomputed", "declared", "consistent"], "declared"),
        ],
    )
    def test_level_is_lowered_by_what_is_yielded_and_never_raised_above_the_rule(self, rule, yielded, level):
        def check():
            yield from map(EvidenceLevel, yielded)

        (result,) = ask([selected(check, evidence=EvidenceLevel(rule))], Gathered({}))
        assert (result.outcome, result.evidence) == (Outcome.PASSED, EvidenceLevel(level))

    def test_level_is_no_finding(self):
        def check():
            yield FLAW
            yield EvidenceLevel.CONSISTENT

        result = answer(check)
        assert (result.outcome, result.evidence, len(result.findings)) == (Outcome.FAILED, EvidenceLevel.CONSISTENT, 1)


class TestEvidence:
    def test_is_made_once_when_first_asked_for(self):
        made = []
        gathered = Gathered({"used": lambda: made.append("used") or "value", "unused": lambda: made.append("unused")})
        seen = []

        def check(used):
            seen.append(used)
            return ()

        results = ask([selected(check, "used"), selected(check, "used")], gathered)
        assert [r.outcome for r in results] == ["passed", "passed"]
        assert (made, seen) == (["used"], ["value", "value"])
        assert gathered.answered("used")
        assert not gathered.answered("unused")

    @pytest.mark.parametrize(
        ("error", "outcome"), [(Inconclusive("not here"), "inconclusive"), (OSError("disk on fire"), "crashed")]
    )
    def test_refusal_and_failure_are_remembered(self, error, outcome):
        asked = []

        def provide():
            asked.append(1)
            raise error

        gathered = Gathered({"broken": provide})
        results = ask([selected(lambda broken: [broken], "broken")] * 3, gathered)
        assert [r.outcome for r in results] == [outcome] * 3
        assert len({r.reason for r in results}) == 1
        assert str(error) in results[0].reason
        assert len(asked) == 1
        assert not gathered.answered("broken")

    def test_unknown_evidence_is_a_fault_not_a_pass(self):
        assert answer(lambda nonsense: [nonsense], "nonsense").outcome is Outcome.CRASHED


class TestFindings:
    @pytest.mark.parametrize(("count", "shown"), [(MOST_FINDINGS, MOST_FINDINGS), (MOST_FINDINGS + 7, MOST_FINDINGS + 1)])
    def test_are_bounded_and_the_rest_is_counted(self, count, shown):
        result = answer(lambda: (Finding(message=str(i), fix="mend it") for i in range(count)))
        assert result.outcome is Outcome.FAILED
        assert len(result.findings) == shown
        assert result.findings[0].message == "0"
        if count > MOST_FINDINGS:
            assert result.findings[-1].message == "and 7 more of the same kind"
            assert result.findings[-1].fix == "mend it"

    def test_places_are_filled_in_where_the_check_gave_none(self):
        def check():
            yield FLAW
            yield Finding(message="elsewhere", fix="mend it", pointer="/b", file="other.yaml", line=3)

        (result,) = ask([selected(check)], Gathered({}), lambda pointer: ("runs/a.run.yaml", len(pointer)))
        assert [(f.file, f.line) for f in result.findings] == [("runs/a.run.yaml", 2), ("other.yaml", 3)]

    def test_have_no_place_where_there_is_no_file(self):
        result = answer(lambda: [FLAW])
        assert (result.findings[0].file, result.findings[0].line) == (None, None)
