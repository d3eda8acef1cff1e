"""A branch touches nothing but the policy and makes it forgive, for the next branch to profit."""

from __future__ import annotations

CAUGHT_BY = ("governance/loosened-policy",)
START = "merged"


def apply(repo):
    repo.policy(lambda policy: policy.update(severities={"metrics/wrong-metric": "info"}))
    repo.commit("Less noise")
