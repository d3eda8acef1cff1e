"""A forest is recorded and nothing else happens."""

from __future__ import annotations

PROJECT = "forest"


def apply(repo):
    repo.write("NOTES.md", "It went well.\n")
    repo.commit("Take notes")
