"""The branch with the run was squashed when it was merged."""

from __future__ import annotations

GATE = "deploy"
KEY = None


def apply(team):
    repo = team.repo
    repo.checkout("main")
    repo.git("checkout", "--quiet", "--orphan", "squashed")
    repo.commit("Everything at once")
    repo.git("branch", "--quiet", "--force", "main", "squashed")
    repo.checkout("main")
    for branch in ("work", "next", "squashed"):
        repo.git("branch", "--quiet", "--delete", "--force", branch)
