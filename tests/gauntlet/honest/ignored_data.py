"""Git ignores the data, which lies in the working tree under its recorded digest."""

from __future__ import annotations

START = "started"


def apply(repo):
    repo.write(".gitignore", "data/\n")
    repo.git("rm", "--quiet", "--cached", "-r", "data")
    repo.commit("Keep data out of git")
    repo.record()
    repo.commit("Record a run")
