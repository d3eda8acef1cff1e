"""A better loss is typed into the metrics file alone, with its digest put right."""

from __future__ import annotations

import json

from forgery import settle

CAUGHT_BY = ("metrics/contradicting-file", "reproduction/diverged-reproduction")


def apply(repo):
    metrics = json.loads(repo.read("out/metrics.json"))
    repo.write("out/metrics.json", json.dumps(metrics | {"loss": metrics["loss"] / 2}) + "\n")
    settle(repo)
    repo.commit("Polish")
