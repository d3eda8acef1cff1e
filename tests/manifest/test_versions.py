"""Every released version of the manifest is read for ever: each is kept here as it was written, with its digest.

A version that never was, older than the first, shows how an earlier one is read; a newer one is named and left undecided.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor.history.audit import examination, opened, place_of
from auditor.manifest.load import to_run
from auditor.manifest.reader import read
from auditor.manifest.validate import SCHEMAS, violations
from auditor.manifest.versions import UPGRADES

GOLDEN = Path(__file__).with_name("golden")
RELEASED = [version.rpartition("/")[2] for version in SCHEMAS["run-manifest"]]
OLDER = "auditor/run-manifest/v0"


def upgraded(value):
    """Scores became metrics with names, and the commit moved into the code."""
    value["schema"] = "auditor/run-manifest/v1"
    if isinstance(commit := value.pop("commit", None), str):
        value["code"] = {"commit": commit}
    scores = value.pop("scores", {})
    return value | {"metrics": [{"name": name, "value": score} for name, score in scores.items()]}


@pytest.fixture
def older(monkeypatch):
    monkeypatch.setitem(SCHEMAS["run-manifest"], OLDER, str(GOLDEN / "v0.schema.json"))
    monkeypatch.setitem(UPGRADES, OLDER, upgraded)


def document(value):
    return read(json.dumps(value).encode(), source="a.run.json")


@pytest.mark.parametrize("form", ["yaml", "json"])
@pytest.mark.parametrize("version", RELEASED)
def test_a_released_version_is_read_as_it_was(version, form):
    golden = read((GOLDEN / f"{version}.run.{form}").read_bytes(), source=f"{version}.run.{form}")
    assert violations(golden.value, "run-manifest") == []
    assert golden.digest == (GOLDEN / f"{version}.digest").read_text().strip()
    run = to_run(golden)
    assert (run.run.id, run.run.status) == (golden.value["run"]["id"], golden.value["run"]["status"])
    assert [metric.name for metric in run.metrics] == [metric["name"] for metric in golden.value["metrics"]]
    assert run.code.commit == golden.value["code"]["commit"]


@pytest.mark.usefixtures("older")
def test_an_earlier_version_is_judged_by_its_own_schema_and_read_as_the_newest():
    about = {"id": "old", "status": "succeeded"}
    first = document({"schema": OLDER, "run": about, "commit": "a" * 40, "scores": {"accuracy": 0.9}})
    assert violations(first.value, "run-manifest") == []
    run = to_run(first)
    assert (run.code.commit, run.metrics[0].name, run.metrics[0].value) == ("a" * 40, "accuracy", 0.9)
    assert first.value["scores"] == {"accuracy": 0.9}, "what was written is what is hashed"
    assert violations({"schema": OLDER, "run": about, "metrics": []}, "run-manifest")
    assert violations({"schema": "auditor/run-manifest/v1", "run": about, "scores": {}}, "run-manifest")


@pytest.mark.usefixtures("older")
def test_runs_of_every_version_are_graded_side_by_side(repository):
    repository.write("train.py", "pass\n")
    commit = repository.commit()
    run = {"id": "old", "status": "succeeded"}
    repository.write(
        "runs/old.run.json", json.dumps({"schema": OLDER, "run": run, "commit": commit, "scores": {"loss": 0.5}})
    )
    repository.write("runs/odd.run.json", json.dumps({"schema": OLDER, "run": run, "metrics": []}))
    repository.write("runs/new.run.json", json.dumps({"schema": "auditor/run-manifest/v9", "run": run}))
    repository.write("runs/now.run.json", (GOLDEN / "v1.run.json").read_text())
    repository.commit()
    place = place_of(repository.root)
    stores = opened(str(repository.root), place.policy.policy.manifests)
    examiner = examination(place, stores, paranoid=True)()
    found = {version.path: examiner.grade(version) for store in stores for version in store.versions(None)}
    examiner.close()
    place.repository.close()
    assert set(found) == {f"runs/{name}.run.json" for name in ("old", "odd", "new", "now")}
    old, odd = ({r.check: r.outcome for r in found[f"runs/{name}.run.json"].report.results} for name in ("old", "odd"))
    assert found["runs/old.run.json"].facts.metrics == {"loss": 0.5}
    assert found["runs/old.run.json"].facts.commit == commit
    assert (old["schema/invalid-manifest"], old["code/unreachable-commit"]) == ("passed", "passed")
    assert odd["schema/invalid-manifest"] == "failed"
    assert found["runs/new.run.json"].state == "newer"
    assert found["runs/now.run.json"].state == "read"
