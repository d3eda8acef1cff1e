"""The random generator of a checkpoint is that of an earlier one."""

from __future__ import annotations

from workbench import recommit, rewrite, state

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"reproduction/diverged-reproduction"}


def apply(repo):
    def rewind(folder):
        rng = state(folder, 20)["rng/state"]
        rewrite(folder, 50, lambda arrays: arrays.update({"rng/state": rng}))

    recommit(repo, rewind)
    repo.commit("Rewind the generator")
