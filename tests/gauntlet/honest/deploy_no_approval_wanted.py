"""A lone maintainer asks for no approval."""

from __future__ import annotations

GATE = "deploy"


def apply(team):
    team.forget()
    team.rule(lambda policy: policy["gates"]["deploy"].update(approvals=0))
