"""The rules of the house allow the weights a drift of a thousandth, and they drifted by a hundredth."""

from __future__ import annotations

from forgery import reweigh, rule

CAUGHT_BY = ("reproduction/diverged-reproduction",)
START = "started"


def apply(repo):
    rule(repo, tolerances={"tensors": {"*": {"absolute": 0.001, "relative": 0.0}}})
    repo.record()
    reweigh(repo, lambda w: w.update(w2=w["w2"] + 0.01))
    repo.commit("Record a run")
