"""The branch makes the rules stricter and lives up to them."""

from __future__ import annotations


def apply(repo):
    def stricter(policy):
        policy["severities"] = {"lineage/impossible-time": "blocker", "metrics/wrong-metric": "blocker"}
        policy["tolerances"] = {"metrics": {"*": {"absolute": 1.0e-10, "relative": 1.0e-8}}}

    repo.policy(stricter)
    repo.commit("Be stricter")
