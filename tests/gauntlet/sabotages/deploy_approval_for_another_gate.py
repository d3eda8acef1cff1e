"""The merge was approved, and the deployment is taken for approved, too."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"governance/missing-approval"}


def apply(team):
    team.forget()
    team.judge()
    team.approve("approver", gate="merge")
