"""The recorded weights differ in their last digits from what comes out here, inside what the rules allow."""

from __future__ import annotations

from forgery import reweigh, rule

START = "started"


def apply(repo):
    rule(repo, tolerances={"tensors": {"*": {"absolute": 1.0e-6, "relative": 0.0}}})
    repo.record()
    reweigh(repo, lambda w: w.update(w2=w["w2"] + 1.0e-9))
    repo.commit("Record a run")
