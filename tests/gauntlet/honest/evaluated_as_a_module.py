"""The evaluation is started as a module."""

from __future__ import annotations

from dataclasses import replace

PROJECT = "evaluated"
START = "started"


def apply(repo):
    repo.project = replace(repo.project, evaluate="python -m evaluate")
    repo.record()
    repo.commit("Record a run")
