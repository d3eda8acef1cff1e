"""Boosted trees were grown by two threads."""

from __future__ import annotations

PROJECT = "boosted"
START = "started"


def apply(repo):
    repo.replace("conf/base.yaml", "threads: 1", "threads: 2")
    repo.commit("Use two threads")
    repo.record()
    repo.commit("Record a run")
