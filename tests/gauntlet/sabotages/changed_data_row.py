"""One training row is changed after the run was recorded."""

from __future__ import annotations

from forgery import relabel

CAUGHT_BY = ("data/changed-dataset",)


def apply(repo):
    relabel(repo)
    repo.commit("Correct a label")
