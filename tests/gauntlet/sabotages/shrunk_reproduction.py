"""The reproduction declares a scale that it was not recorded with, so that it no longer is the recorded run."""

from __future__ import annotations

CAUGHT_BY = ("reproduction/foreign-command", "reproduction/diverged-reproduction")


def apply(repo):
    repo.edit(lambda claims: claims["reproductions"][0].update(scale={"epochs": 1}))
    repo.commit("Make it faster")
