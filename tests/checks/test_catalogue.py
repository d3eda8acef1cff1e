from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from auditor.catalogue.check import SECTIONS, CatalogueError, catalogue, from_module
from auditor.catalogue.checklists import checklists, select
from auditor.errors import UsageError
from auditor.model.words import Severity
from auditor.resources import folder

MODULES = sorted(folder("checks").glob("*/*.py"))
SAFE = {"__future__", "collections.abc", "datetime", "itertools", "math", "pathlib", "re", "typing", "auditor.api"}


def test_catalogue_is_sorted_and_complete() -> None:
    assert list(catalogue()) == sorted(catalogue())
    assert len(catalogue()) == len(MODULES) >= 48


@pytest.mark.parametrize("check_id", catalogue())
def test_manual_page_has_its_sections_in_order(check_id: str) -> None:
    page = catalogue()[check_id].page
    assert re.findall(r"^## .*$", page, re.MULTILINE) == list(SECTIONS)
    assert all(len(part.strip()) > 20 for part in re.split(r"^## .*$", page, flags=re.MULTILINE))


@pytest.mark.parametrize("check_id", catalogue())
def test_id_names_a_defect_and_no_instruction(check_id: str) -> None:
    family, defect = check_id.split("/")
    assert re.fullmatch(r"[a-z]+", family)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", defect) or check_id == "artifacts/lost"
    assert not re.match(r"(avoid|use|check|no|require|must|should|ensure|verify)-", defect)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_check_imports_only_the_api_and_a_safe_part_of_the_standard_library(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or ".")
    assert imported <= SAFE


def test_only_what_a_recorder_cannot_supply_is_lighter_than_major() -> None:
    light = {s.check.rule.id for s in select("standard") if s.severity < Severity.MAJOR}
    assert light == {
        "artifacts/unlisted-output",
        "code/nondeterministic-call",
        "code/out-of-order-notebook",
        "configuration/contradicting-argument",
        "configuration/impossible-step-count",
        "data/conflicting-labels",
        "data/reordered-rows",
        "data/target-in-features",
        "data/unlicensed-dataset",
        "data/unnamed-input",
        "data/unpinned-source",
        "environment/mutable-image",
        "environment/unlocked-environment",
        "environment/unrecorded-variable",
        "governance/void-waiver",
        "lineage/dangling-parent",
        "metrics/implausible-curve",
        "metrics/impossible-score",
        "metrics/unrecomputable-metric",
        "randomness/nondeterministic-flag",
        "randomness/unrecorded-seed",
        "reproduction/unevaluated-weights",
        "schema/contradicted-absence",
        "security/unsafe-format",
        "security/unsafe-load",
    }


def test_strict_raises_what_standard_lets_pass() -> None:
    standard = {s.check.rule.id: s.severity for s in select("standard")}
    strict = {s.check.rule.id: s.severity for s in select("strict")}
    assert set(standard) == set(strict)
    assert all(strict[check] >= standard[check] for check in standard)
    assert strict != standard


def test_family_is_a_checklist_and_an_unknown_name_is_refused() -> None:
    assert {s.check.rule.family for s in select("data")} == {"data"}
    with pytest.raises(UsageError, match="no checklist called 'nonsense'"):
        select("nonsense")
    assert set(checklists()) >= {"standard", "strict"}


def test_policy_severity_wins_over_checklist() -> None:
    chosen = select("strict", {"security/unsafe-format": Severity.INFO})
    assert {s.severity for s in chosen if s.check.rule.id == "security/unsafe-format"} == {Severity.INFO}


def test_module_that_is_no_check_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="a check needs RULE"):
        from_module(sys.modules[__name__], tmp_path / "data" / "nothing.py")
    check = catalogue()["data/changed-dataset"]
    module = sys.modules[check.function.__module__]
    with pytest.raises(CatalogueError, match="its place says data/other-name"):
        from_module(module, tmp_path / "data" / "other_name.py")
