"""The branch that types in a better metric also widens the tolerance that would refuse it."""

from __future__ import annotations

CAUGHT_BY = ("governance/loosened-policy",)


def apply(repo):
    def better(claims):
        metric = next(metric for metric in claims["metrics"] if metric["name"] == "accuracy")
        metric["value"] += 0.01

    repo.edit(better)
    repo.policy(lambda policy: policy.update(tolerances={"metrics": {"*": {"absolute": 0.1, "relative": 0.0}}}))
    repo.commit("Tune")
