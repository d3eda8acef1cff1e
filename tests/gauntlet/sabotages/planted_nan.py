"""One number of the saved weights is made NaN, with every digest put right."""

from __future__ import annotations

from forgery import reweigh

CAUGHT_BY = ("artifacts/non-finite-weights",)


def apply(repo):
    reweigh(repo, lambda w: w["b1"].put(3, float("nan")))
    repo.commit("Mask a unit")
