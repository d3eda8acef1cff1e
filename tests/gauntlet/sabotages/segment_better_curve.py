"""The loss curve was improved, and the run is committed to it."""

from __future__ import annotations

from workbench import recommit, retrace

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"reproduction/diverged-reproduction"}


def apply(repo):
    def improve(line):
        line["metrics"]["loss"] *= 0.9

    recommit(repo, lambda folder: retrace(folder, improve))
    repo.commit("Improve the curve")
