"""The same bytes ship under another name."""

from __future__ import annotations

GATE = "deploy"
KEY = None


def apply(team):
    team.artifact = "release.npz"
    team.repo.write(team.artifact, (team.repo.root / "out/model.npz").read_bytes())
