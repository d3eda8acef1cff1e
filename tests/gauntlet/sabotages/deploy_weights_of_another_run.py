"""The weights of a run that nobody approved ship under the manifest of one that was."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"artifacts/foreign-artifact"}


def apply(team):
    path = team.repo.manifest
    team.repo.replace("conf/base.yaml", "seed: 3", "seed: 4")
    team.repo.commit("Try another seed")
    team.repo.record()
    team.repo.commit("Record another run")
    team.manifest = path
