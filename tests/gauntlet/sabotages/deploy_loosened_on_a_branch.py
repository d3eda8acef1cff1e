"""A branch asks for no approval, and is deployed from."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"governance/missing-approval"}


def apply(team):
    team.forget()
    team.judge()
    team.repo.branch("sly")
    team.repo.policy(lambda policy: policy["gates"]["deploy"].update(approvals=0))
    team.repo.commit("Ask for nothing")
