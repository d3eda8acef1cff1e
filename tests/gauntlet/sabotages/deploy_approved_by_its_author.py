"""The author approves under a key of their own and a second address."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"governance/missing-approval"}


def apply(team):
    team.forget()
    team.rule(lambda policy: policy["trust"]["identities"].update({"author@example.org": "approver@example.org"}))
    team.judge()
    team.approve("approver")
