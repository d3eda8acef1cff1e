"""The accuracy that the reproduction is expected to give is raised, and the claim is left alone."""

from __future__ import annotations

CAUGHT_BY = ("reproduction/diverged-reproduction",)


def apply(repo):
    def raise_it(claims):
        for metric in claims["reproductions"][0]["expect"]["metrics"]:
            if metric["name"] == "accuracy":
                metric["value"] = 1.0

    repo.edit(raise_it)
    repo.commit("Expect more")
