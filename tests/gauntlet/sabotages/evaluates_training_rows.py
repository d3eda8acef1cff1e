"""The evaluation predicts for other rows than those that the claim is about."""

from __future__ import annotations

CAUGHT_BY = ("reproduction/diverged-reproduction",)
PROJECT = "evaluated"
START = "started"


def apply(repo):
    repo.replace("evaluate.py", 'load("data/test.csv")', 'load("data/train.csv")')
    repo.commit("Evaluate elsewhere")
    repo.record()
    repo.commit("Record a run")
