"""Data and weights lie in a store, not in git, and a newcomer's clone is judged."""

from __future__ import annotations

from bulk import deposit, newcomer, open_store

PROJECT = "fleet"
START = "started"


def apply(repo):
    open_store(repo, "data/", "*.npz")
    repo.record()
    deposit(repo, "data/train.csv", "data/test.csv", "out/model.npz")
    repo.commit("Record a run")
    return newcomer(repo)
