"""A branch changes the README and nothing else."""

from __future__ import annotations

START = "merged"


def apply(repo):
    repo.write("README.md", "# A digit reader\n")
    repo.commit("Introduce the project")
