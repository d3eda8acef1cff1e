"""A run that was never executed, and whose author offers nothing that could be."""

from __future__ import annotations

from forgery import fabricate

CAUGHT_BY = ("reproduction/unexercised-run",)
START = "started"
VERDICT = "undecided"


def apply(repo):
    path = fabricate(repo)
    repo.edit(lambda claims: claims.pop("reproductions"), path)
    repo.commit("Record a run")
