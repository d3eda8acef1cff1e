"""A leaf was taken out of the list."""

from __future__ import annotations

from forgery import relist

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"artifacts/broken-commitment"}


def apply(repo):
    relist(repo, lambda leaves: leaves.pop(4))
    repo.commit("Remove a leaf")
