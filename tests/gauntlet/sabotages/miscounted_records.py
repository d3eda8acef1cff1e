"""The manifest tells of more training rows than there are."""

from __future__ import annotations

CAUGHT_BY = ("data/miscounted-records",)


def apply(repo):
    repo.edit(lambda claims: claims["data"][0].update(records=claims["data"][0]["records"] + 1000))
    repo.commit("Correct the number")
