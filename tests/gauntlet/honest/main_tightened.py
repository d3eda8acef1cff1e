"""Main became stricter after the branch began, and the branch never touched the rules."""

from __future__ import annotations


def apply(repo):
    repo.checkout("main")
    repo.policy(lambda policy: policy.update(severities={"lineage/impossible-time": "blocker"}))
    repo.commit("Be stricter")
    repo.checkout("work")
