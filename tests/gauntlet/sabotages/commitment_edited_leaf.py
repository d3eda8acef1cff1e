"""One leaf was edited after the run committed itself."""

from __future__ import annotations

from forgery import relist

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"artifacts/broken-commitment"}


def apply(repo):
    relist(repo, lambda leaves: leaves[3].update(weights="sha256:" + "ab" * 32))
    repo.commit("Edit a leaf")
