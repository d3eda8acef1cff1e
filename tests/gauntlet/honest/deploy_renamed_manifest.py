"""The manifest was moved."""

from __future__ import annotations

GATE = "deploy"
KEY = None


def apply(team):
    path = team.repo.manifest
    team.repo.git("mv", path, "runs/renamed.run.yaml")
    team.repo.commit("Rename the manifest")
