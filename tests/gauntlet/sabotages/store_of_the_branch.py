"""The branch names a store of its own, in which its data lie."""

from __future__ import annotations

from bulk import deposit, newcomer

CAUGHT_BY = ("governance/loosened-policy",)
PROJECT = "fleet"
START = "started"


def apply(repo):
    repo.write(".gitignore", "data/\n")
    repo.git("rm", "--quiet", "-r", "--cached", "data")
    repo.policy(lambda policy: policy.update(stores={"mine": (repo.root.parent / "bulk").as_uri()}))
    repo.commit("Use my own disk")
    deposit(repo, "data/train.csv", "data/test.csv")
    repo.record()
    repo.commit("Record a run")
    return newcomer(repo)
