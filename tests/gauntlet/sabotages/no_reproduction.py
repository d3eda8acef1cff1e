"""A run is offered with figures and without anything that a verifier could re-execute."""

from __future__ import annotations

CAUGHT_BY = ("reproduction/unexercised-run",)
PROJECT = "forest"
VERDICT = "undecided"


def apply(repo):
    repo.edit(lambda claims: claims.pop("reproductions"))
    repo.commit("Shorten")
