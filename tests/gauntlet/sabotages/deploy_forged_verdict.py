"""A verdict is copied into the ledger without a judge's signature."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"governance/missing-verdict"}
VERDICT = "undecided"
KEY = None


def apply(team):
    body = team.entries("verdict")[-1].body
    team.forget()
    team.approve("approver")
    team.write("verdict", team.digest(), **body)
