"""A leaf stands in the list twice."""

from __future__ import annotations

from forgery import relist

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"artifacts/broken-commitment"}


def apply(repo):
    relist(repo, lambda leaves: leaves.insert(3, leaves[3]))
    repo.commit("Double a leaf")
