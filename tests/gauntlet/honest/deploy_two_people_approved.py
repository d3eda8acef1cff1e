"""Two approvals are asked for, and two people gave them."""

from __future__ import annotations

GATE = "deploy"
KEY = None


def apply(team):
    team.rule(lambda policy: policy["gates"]["deploy"].update(approvals=2))
    team.judge()
    team.approve("second")
