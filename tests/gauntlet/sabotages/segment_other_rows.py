"""The trace claims other rows than the ones that were trained on."""

from __future__ import annotations

from workbench import recommit, retrace

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"reproduction/diverged-reproduction"}


def apply(repo):
    def rows(line):
        line["batch"] = "sha256:" + "ab" * 32

    recommit(repo, lambda folder: retrace(folder, rows))
    repo.commit("Claim other rows")
