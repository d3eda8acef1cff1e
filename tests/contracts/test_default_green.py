"""The default-green invariant: an honest new user with a deterministic script and nothing configured is let through."""

from __future__ import annotations

import pytest
from workbench import CATALOGUE, checks


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_an_honest_run_in_a_new_repository_opens_the_gate(project, name):
    repo = project(name, "started")
    manifest = repo.record()
    repo.commit("Record a run")

    report = repo.gate().expect(0).json()

    assert report["verdict"] == "open"
    assert [run["manifest"] for run in report["runs"]] == [manifest]
    (smoke,) = [r for r in report["runs"][0]["reproductions"] if r["tier"] == "smoke"]
    assert smoke["agreement"] in {"bitwise", "within-tolerance"}
    assert not checks(report, "crashed")


def test_what_the_recorder_cannot_supply_there_is_at_most_minor(project):
    report = project("network").gate().expect(0).json()
    undecided = [r for run in report["runs"] for r in run["results"] if r["outcome"] not in {"passed", "not-applicable"}]
    assert {r["severity"] for r in undecided} <= {"minor", "info"}


def test_a_recorded_run_passes_check_and_reproduce_too(project):
    repo = project("network")
    assert repo.auditor("check", "--format", "json").expect(0).json()["advisory"] is True
    assert repo.auditor("reproduce", repo.manifest, "--format", "json").expect(0).json()["gate"] is None
