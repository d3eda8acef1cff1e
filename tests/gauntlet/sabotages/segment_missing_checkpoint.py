"""A checkpoint that has to be replayed is kept back."""

from __future__ import annotations

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"reproduction/diverged-reproduction"}
VERDICT = "undecided"


def apply(repo):
    (repo.root / "out/checkpoints/step-00000070.npz").unlink()
    repo.commit("Keep a checkpoint back")
