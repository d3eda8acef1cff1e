"""Nobody has approved these bytes."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"governance/missing-approval"}


def apply(team):
    team.forget()
    team.judge()
