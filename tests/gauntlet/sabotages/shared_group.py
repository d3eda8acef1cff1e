"""Writers of digits, whom the manifest declares as groups, stand in training and in test data."""

from __future__ import annotations

from itertools import cycle

from forgery import declare, widen

CAUGHT_BY = ("data/shared-group",)
START = "started"


def apply(repo):
    widen(repo, "writer", cycle(range(40)), cycle(range(36, 44)))
    repo.commit("Name the writers")
    repo.record()
    declare(repo, group="writer")
    repo.commit("Record a run")
