"""The trace claims another learning rate than the one that was used."""

from __future__ import annotations

from workbench import recommit, retrace

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"reproduction/diverged-reproduction"}


def apply(repo):
    def rate(line):
        line["hyperparameters"]["learning_rate"] = 0.04

    recommit(repo, lambda folder: retrace(folder, rate))
    repo.commit("Claim another learning rate")
