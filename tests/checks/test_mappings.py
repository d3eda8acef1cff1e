"""Mappings to published lists are dated data about checks that exist, and promise nothing."""

from __future__ import annotations

import re

import pytest

from auditor.catalogue.check import catalogue
from auditor.catalogue.mappings import mapping, names
from auditor.errors import UsageError

LISTS = {"neurips-2025", "ml-test-score", "reforms", "eu-ai-act-annex-iv", "sr-26-2"}


def test_the_lists_that_people_ask_for_are_mapped() -> None:
    assert set(names()) == LISTS


@pytest.mark.parametrize("name", sorted(LISTS))
def test_mapping_is_dated_and_names_checks_that_exist(name: str) -> None:
    found = mapping(name)
    assert re.fullmatch(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]", found.dated)
    assert len({item.id for item in found.items}) == len(found.items)
    mapped = {check for item in found.items for check in item.checks}
    assert mapped
    assert mapped <= set(catalogue())


@pytest.mark.parametrize("name", sorted(LISTS))
def test_mapping_says_evidence_present_and_never_compliant(auditor, name: str) -> None:
    shown = auditor("checks", "--mapping", name).expect(0).stdout
    assert "evidence present" in shown
    assert not re.search(r"complian|conform|satisf|fulfil|certif", shown, re.IGNORECASE)


def test_unknown_mapping_is_refused_with_those_there_are(auditor) -> None:
    answer = auditor("checks", "--mapping", "iso-1").expect(2)
    assert all(name in answer.stderr for name in LISTS)
    with pytest.raises(UsageError, match="no mapping called"):
        mapping("../checklists")


def test_publication_lists_what_people_attest(auditor) -> None:
    assert "to be attested by people" in auditor("checks", "--checklist", "publication").expect(0).stdout
    assert "attested by people" not in auditor("checks").expect(0).stdout
