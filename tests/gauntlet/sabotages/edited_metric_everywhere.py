"""A better accuracy is typed into the manifest, the metrics file and the expectation, with every digest put right."""

from __future__ import annotations

import json

from forgery import settle

CAUGHT_BY = ("metrics/wrong-metric", "reproduction/diverged-reproduction")


def apply(repo):
    metrics = json.loads(repo.read("out/metrics.json"))
    metrics["accuracy"] = 0.98
    repo.write("out/metrics.json", json.dumps(metrics) + "\n")
    settle(repo, metrics)
    repo.commit("Polish")
