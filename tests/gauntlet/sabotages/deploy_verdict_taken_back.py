"""A judge has looked again and said no."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"governance/missing-verdict"}
KEY = None


def apply(team):
    body = team.entries("verdict")[-1].body
    team.write("verdict", team.digest(), by="judge", **{**body, "verdict": "blocked"})
