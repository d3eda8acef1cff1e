"""Every writer of digits, whom the manifest declares as groups, stands either in training or in test data."""

from __future__ import annotations

from itertools import cycle

from forgery import declare, widen

START = "started"


def apply(repo):
    widen(repo, "writer", cycle(range(30)), cycle(range(30, 40)))
    repo.commit("Name the writers")
    repo.record()
    declare(repo, group="writer")
    repo.commit("Record a run")
