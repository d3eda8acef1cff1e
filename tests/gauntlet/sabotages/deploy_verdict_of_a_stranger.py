"""A verdict is signed by somebody who is no judge."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"governance/missing-verdict"}
VERDICT = "undecided"
KEY = None


def apply(team):
    body = team.entries("verdict")[-1].body
    team.forget()
    team.approve("approver")
    team.write("verdict", team.digest(), by="stranger", **body)
