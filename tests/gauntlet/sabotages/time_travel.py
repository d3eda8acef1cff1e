"""The training data reach beyond the first day of the test data, and the manifest declares the days."""

from __future__ import annotations

from itertools import count

from forgery import declare, widen

CAUGHT_BY = ("data/time-travelling-split",)
START = "started"


def apply(repo):
    widen(repo, "day", count(), count(400))
    repo.commit("Date the rows")
    repo.record()
    declare(repo, time="day")
    repo.commit("Record a run")
