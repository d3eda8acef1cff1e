"""The state of the optimizer is missing from the last checkpoint."""

from __future__ import annotations

from workbench import recommit, rewrite

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"reproduction/diverged-reproduction"}


def apply(repo):
    def drop(arrays):
        arrays.update({name: array * 0 for name, array in arrays.items() if name.startswith("optimizer/")})

    recommit(repo, lambda folder: rewrite(folder, 80, drop))
    repo.commit("Drop the momentum")
