"""The evaluation that the manifest names does nothing."""

from __future__ import annotations

CAUGHT_BY = ("reproduction/diverged-reproduction",)
PROJECT = "evaluated"
START = "started"


def apply(repo):
    repo.record()
    repo.edit(lambda claims: claims["reproductions"][0].update(command=["true"]))
    repo.commit("Record a run")
