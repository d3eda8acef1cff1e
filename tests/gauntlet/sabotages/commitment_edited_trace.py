"""The loss curve in the trace was improved after the run committed itself."""

from __future__ import annotations

from forgery import digest
from workbench import retrace

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"artifacts/broken-commitment"}


def apply(repo):
    def improve(line):
        line["metrics"]["loss"] *= 0.9

    retrace(repo.root / "out/checkpoints", improve)
    value = digest(repo, "out/checkpoints/trace.jsonl")
    repo.edit(lambda claims: claims["checkpoints"]["trace"].update(digest=value))
    repo.commit("Improve the curve")
