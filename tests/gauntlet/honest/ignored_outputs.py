"""Git ignores the outputs, which lie in the working tree under their recorded digests."""

from __future__ import annotations

START = "started"


def apply(repo):
    repo.write(".gitignore", "out/\n")
    repo.commit("Keep outputs out of git")
    repo.record()
    repo.commit("Record a run")
