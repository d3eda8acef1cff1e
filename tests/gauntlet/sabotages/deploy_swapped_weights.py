"""The file was exchanged after it was approved."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"artifacts/foreign-artifact"}


def apply(team):
    team.repo.write("out/model.npz", b"other weights")
