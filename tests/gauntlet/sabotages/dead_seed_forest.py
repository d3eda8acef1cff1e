"""The forest's random_state is a constant in the code, while the configuration claims another seed."""

from __future__ import annotations

CAUGHT_BY = ("randomness/dead-seed",)
PROJECT = "forest"
START = "started"


def apply(repo):
    repo.replace("train.py", 'random_state=config["seed"]', "random_state=42")
    repo.commit("Fix the seed")
    repo.record()
    repo.commit("Record a run")
