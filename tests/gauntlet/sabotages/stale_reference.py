"""The training is changed, and no run is recorded that would show the new figures."""

from __future__ import annotations

CAUGHT_BY = ("reproduction/stale-reference",)
START = "merged"


def apply(repo):
    repo.replace("train.py", "1.0 - hidden**2", "1.0 - hidden")
    repo.commit("Simplify the derivative")
