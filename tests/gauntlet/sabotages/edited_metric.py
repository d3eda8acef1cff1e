"""A better accuracy is typed into the manifest."""

from __future__ import annotations

CAUGHT_BY = ("metrics/wrong-metric",)


def apply(repo):
    def better(claims):
        metric = next(metric for metric in claims["metrics"] if metric["name"] == "accuracy")
        metric["value"] = min(1.0, metric["value"] + 0.02)

    repo.edit(better)
    repo.commit("Polish")
