"""The leaves stand in another order."""

from __future__ import annotations

from forgery import relist

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"artifacts/broken-commitment"}


def apply(repo):
    relist(repo, list.reverse)
    repo.commit("Turn the leaves")
