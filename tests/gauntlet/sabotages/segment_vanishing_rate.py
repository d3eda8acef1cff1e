"""Every step is said to have used a learning rate below what the policy allows."""

from __future__ import annotations

from workbench import recommit, retrace

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"reproduction/diverged-reproduction"}


def apply(repo):
    def rate(line):
        line["hyperparameters"]["learning_rate"] = 1e-9

    recommit(repo, lambda folder: retrace(folder, rate))
    repo.commit("Claim a vanishing learning rate")
