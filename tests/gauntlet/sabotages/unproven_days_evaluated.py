"""The results of days are invented behind two honest steps, and an evaluation was recorded."""

from __future__ import annotations

from forgery import repredict, reweigh

CAUGHT_BY = ("reproduction/diverged-reproduction",)
PROJECT = "evaluated"


def apply(repo):
    reweigh(repo, lambda w: w.update(w2=w["w2"] + 0.5))
    repredict(repo, lambda rows: [[row[0], row[1], row[1]] for row in rows])
    repo.commit("Polish")
