"""One wrong prediction is replaced by another wrong one: the accuracy stays, and the digests are put right."""

from __future__ import annotations

from forgery import repredict

CAUGHT_BY = ("reproduction/diverged-reproduction",)


def apply(repo):
    def flip(rows):
        row = next(row for row in rows if row[1] != row[2])
        row[2] = next(other for other in "0123456789" if other not in row[1:])
        return rows

    repredict(repo, flip)
    repo.commit("Polish")
