"""The judge has a new key; the policy knows it, and the run was judged again."""

from __future__ import annotations

GATE = "deploy"
KEY = None


def apply(team):
    team.rule(lambda policy: policy["trust"]["identities"].update({team.public("judge2"): "judge@example.org"}))
    team.judge("judge2")
