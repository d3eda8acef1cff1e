"""The predictions of a long run are better than its weights, and every digest and figure follows them."""

from __future__ import annotations

from forgery import repredict

CAUGHT_BY = ("reproduction/diverged-reproduction",)
PROJECT = "evaluated"


def apply(repo):
    repredict(repo, lambda rows: [[row[0], row[1], row[1]] if int(row[0]) % 3 else row for row in rows])
    repo.commit("Polish")
