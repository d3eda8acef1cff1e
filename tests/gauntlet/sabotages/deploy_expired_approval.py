"""The approval has ended."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"governance/missing-approval"}


def apply(team):
    team.forget()
    team.judge()
    team.approve("approver", until="2026-01-01")
