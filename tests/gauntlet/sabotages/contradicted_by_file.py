"""A better loss is typed into the manifest alone, and the expectation is struck out."""

from __future__ import annotations

CAUGHT_BY = ("reproduction/diverged-reproduction",)


def apply(repo):
    def better(claims):
        next(m for m in claims["metrics"] if m["name"] == "loss")["value"] /= 2
        claims["reproductions"][0]["expect"].pop("metrics", None)

    repo.edit(better)
    repo.commit("Polish")
