"""Wrong predictions are turned into right ones, and metric and digests follow them."""

from __future__ import annotations

import json

from forgery import settle

CAUGHT_BY = ("reproduction/diverged-reproduction",)


def apply(repo):
    header, *rows = repo.read("out/predictions.csv").splitlines()
    better = [f"{i},{label},{label}" for i, label, _ in (row.split(",") for row in rows)]
    repo.write("out/predictions.csv", "\n".join([header, *better]) + "\n")
    metrics = json.loads(repo.read("out/metrics.json")) | {"accuracy": 1.0}
    repo.write("out/metrics.json", json.dumps(metrics) + "\n")
    settle(repo, metrics)
    repo.commit("Polish")
