"""Training is said to begin at random and begins with weights that were trained before."""

from __future__ import annotations

from workbench import recommit, rewrite, state

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"reproduction/diverged-reproduction"}


def apply(repo):
    def warm(folder):
        trained = state(folder, 80)
        start = {name: array for name, array in trained.items() if name.startswith("weights/")}
        rewrite(folder, 0, lambda arrays: arrays.update(start))

    recommit(repo, warm)
    repo.commit("Begin with trained weights")
