"""The policy of the base has runs executed in containers instead of bubblewrap."""

from __future__ import annotations

START = "started"


def apply(repo):
    repo.checkout("main")
    repo.policy(lambda policy: policy["gates"]["merge"].update(isolation=["container"]))
    repo.commit("Use containers")
    repo.checkout("work")
    repo.git("merge", "--quiet", "main")
    repo.record()
    repo.commit("Record a run")
