"""The run comes with a reproduction of two epochs instead of twelve."""

from __future__ import annotations

START = "started"


def apply(repo):
    repo.record("--smoke", "epochs=2")
    repo.commit("Record a run")
