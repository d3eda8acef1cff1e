"""Bands at the gate: those of the policy ref count, those that a change brings do not."""

from __future__ import annotations

import json
import sys

import pytest

from auditor.environment.executor import numeric_stack
from auditor.model.run import Executor

BANDS = "bands/score.band.json"
NOISY = """\
import json
import os

wobble = int.from_bytes(os.urandom(2), "big") / 65536
with open("metrics.json", "w") as file:
    json.dump({"score": 0.9 + 0.01 * wobble}, file)
"""


@pytest.fixture
def noisy(repository):
    """A run whose score is another one each time, recorded on the branch ``work``."""
    repository.write("train.py", NOISY)
    repository.auditor("init").expect(0)
    repository.commit("Train with what the system draws")
    repository.branch("work")
    record = ["record", "--name", "noisy", "--metrics", "metrics.json", "--", sys.executable, "train.py"]
    repository.auditor(*record).expect(0)
    repository.commit("Record a run")
    return repository


def learn(repo, claims):
    """Write a band for two executions on the machine of a recorded run, and name it in the policy."""
    recorded = claims["environment"]["executor"]
    executor = Executor(class_=recorded["class"], features=recorded["features"])
    machine = {"class": executor.class_, "stack": numeric_stack(executor)}
    band = {"of": "metric:score", "n": 8, "mean": 0.905, "s": 0.003}
    learned = {
        "schema": "auditor/band/v1",
        "executors": [machine, machine],
        "runs": ["sha256:" + "ab" * 32],
        "bands": [band],
    }
    repo.write(BANDS, json.dumps(learned))
    repo.policy(lambda policy: policy.update(bands=[BANDS]))


def reproduction(report):
    return report["runs"][0]["reproductions"][0]


def test_a_band_of_the_policy_ref_lets_noise_through_and_says_so(noisy):
    before = noisy.gate().json()
    assert before["verdict"] == "blocked"
    assert reproduction(before)["calibrated"] is False
    claims = noisy.claims()
    noisy.checkout("main")
    learn(noisy, claims)
    noisy.commit("Trust what eight repeats taught")
    noisy.checkout("work")
    after = noisy.gate().json()
    (found,) = [c for c in reproduction(after)["comparisons"] if c["of"] == "metric:score"]
    assert (after["verdict"], found["agreement"]) == ("open", "statistically-consistent")
    assert reproduction(after)["calibrated"] is True
    assert found["tolerance"]["source"] == "band: score, 8 repeats"
    assert found["excess"] < 1 < found["detectable"] / 0.003


def test_a_band_that_the_change_brings_counts_for_nothing(noisy):
    learn(noisy, noisy.claims())
    noisy.commit("Bring the tolerance that this run needs")
    report = noisy.gate().json()
    assert report["verdict"] == "blocked"
    loosened = [r for r in report["results"] if r["check"] == "governance/loosened-policy"]
    assert [finding["pointer"] for finding in loosened[0]["findings"]] == ["/bands"]


def test_a_file_of_bands_that_is_none_is_an_invalid_policy(noisy):
    noisy.checkout("main")
    noisy.policy(lambda policy: policy.update(bands=[BANDS]))
    noisy.commit("Name bands that are not there")
    noisy.checkout("work")
    answer = noisy.gate()
    answer.expect(2)
    assert f"{BANDS} is no file at" in str(answer)
