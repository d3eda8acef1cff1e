"""An approval is written into the ledger without a signature."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"governance/missing-approval"}


def apply(team):
    team.forget()
    team.judge()
    team.approve(None)
