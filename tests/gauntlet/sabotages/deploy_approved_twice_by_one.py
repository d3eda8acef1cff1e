"""Two approvals are asked for, and one person gives both."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"governance/missing-approval"}


def apply(team):
    team.rule(lambda policy: policy["gates"]["deploy"].update(approvals=2))
    team.judge()
    team.approve("approver")
