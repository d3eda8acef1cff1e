"""A merged manifest disappears."""

from __future__ import annotations

CAUGHT_BY = ("governance/rewritten-run",)
START = "merged"


def apply(repo):
    repo.git("rm", "--quiet", repo.manifest)
    repo.commit("Tidy up")
