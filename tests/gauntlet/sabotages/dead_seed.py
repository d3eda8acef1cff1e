"""The seed of the configuration is read by nobody: the code has a constant of its own, recorded afresh and honestly."""

from __future__ import annotations

CAUGHT_BY = ("randomness/dead-seed",)
START = "started"


def apply(repo):
    repo.replace("train.py", 'default_rng(config["seed"])', "default_rng(1234)")
    repo.commit("Fix the seed")
    repo.record()
    repo.commit("Record a run")
