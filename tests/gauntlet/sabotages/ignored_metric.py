"""The branch that types in a better loss also declares that the loss is no claim."""

from __future__ import annotations

from forgery import claim

CAUGHT_BY = ("governance/loosened-policy",)


def apply(repo):
    claim(repo, loss=0.001)
    repo.policy(lambda policy: policy.update(tolerances={"ignore": ["loss"]}))
    repo.commit("Tune")
