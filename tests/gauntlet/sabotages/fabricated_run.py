"""A run that was never executed: the manifest is written by hand around invented weights, predictions and figures."""

from __future__ import annotations

from forgery import fabricate

CAUGHT_BY = ("reproduction/diverged-reproduction",)
START = "started"


def apply(repo):
    fabricate(repo)
    repo.commit("Record a run")
