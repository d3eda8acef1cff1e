"""The scaled-down reproduction is left to expect nothing."""

from __future__ import annotations

CAUGHT_BY = ("reproduction/empty-expectation",)
START = "started"


def apply(repo):
    repo.record("--smoke", "epochs=2")
    repo.edit(lambda claims: claims["reproductions"][0].update(expect={}))
    repo.commit("Record a run")
