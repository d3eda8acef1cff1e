"""The accuracy is rounded up at the third digit where it should be rounded down, with every digest put right."""

from __future__ import annotations

from forgery import claim

CAUGHT_BY = ("metrics/wrong-metric",)


def apply(repo):
    accuracy = next(m["value"] for m in repo.claims()["metrics"] if m["name"] == "accuracy")
    claim(repo, accuracy=round(accuracy, 3) + 0.001)
    repo.commit("Round")
