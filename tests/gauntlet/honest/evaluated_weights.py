"""A long run comes with two steps of it and with an evaluation of its weights."""

from __future__ import annotations

PROJECT = "evaluated"


def apply(repo):
    repo.write("notes.md", "Training took days.\n")
    repo.commit("Add notes")
