"""A tensor of the saved weights is called by another name, with every digest put right."""

from __future__ import annotations

from forgery import reweigh

CAUGHT_BY = ("reproduction/diverged-reproduction",)


def apply(repo):
    reweigh(repo, lambda w: w.update(kernel=w.pop("w1")))
    repo.commit("Name it better")
