from __future__ import annotations

from pathlib import Path

import pytest

from auditor import testing
from auditor.catalogue.check import catalogue
from auditor.model.words import Outcome

CASES = Path(__file__).parents[1] / "cases"
FILES = sorted(CASES.glob("*/*/*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(CASES).with_suffix("").as_posix())
def test_case(path: Path, tmp_path: Path) -> None:
    case, expected = testing.load(path)
    check = catalogue()[f"{path.parts[-3]}/{path.parts[-2]}"]
    result = testing.run(case, check, tmp_path)
    assert (result.outcome, result.reason if result.outcome is Outcome.CRASHED else None) == (expected, None), result
    assert tuple(finding.pointer for finding in result.findings) == case.findings
    said = "\n".join([result.reason or "", *(f"{finding.message}\n{finding.fix}" for finding in result.findings)])
    assert [words for words in case.says if words not in said] == [], said
    assert [words for words in case.hides if words in said] == [], said
    assert (result.reason is not None) == (expected in {Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE}) or result.findings


@pytest.mark.parametrize("check_id", catalogue())
def test_every_check_has_a_passed_and_a_failed_case(check_id: str) -> None:
    outcomes = {testing.load(path)[1] for path in (CASES / check_id).glob("*.yaml")}
    # A run that was never executed is not wrong, it is unproved: that check knows no "failed".
    worst = Outcome.INCONCLUSIVE if check_id == "reproduction/unexercised-run" else Outcome.FAILED
    assert {Outcome.PASSED, worst} <= outcomes


def test_no_cases_are_left_of_checks_that_are_gone() -> None:
    folders = {f"{path.parts[-3]}/{path.parts[-2]}" for path in FILES}
    assert folders <= set(catalogue())
