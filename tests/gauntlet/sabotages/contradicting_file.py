"""The metrics file is given a better loss than the manifest, under rules that ask the two to agree."""

from __future__ import annotations

import json

from forgery import rule, settle

CAUGHT_BY = ("metrics/contradicting-file",)
START = "started"


def apply(repo):
    rule(repo, severities={"metrics/contradicting-file": "major"})
    repo.record()
    metrics = json.loads(repo.read("out/metrics.json"))
    repo.write("out/metrics.json", json.dumps(metrics | {"loss": metrics["loss"] / 2}) + "\n")
    settle(repo)
    repo.commit("Record a run")
