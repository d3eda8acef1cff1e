"""The manifest tells another seed than the configuration."""

from __future__ import annotations

CAUGHT_BY = ("randomness/contradictory-seed",)


def apply(repo):
    def other(claims):
        for seed in claims["randomness"]["seeds"].values():
            seed["value"] += 1

    repo.edit(other)
    repo.commit("Correct the seed")
