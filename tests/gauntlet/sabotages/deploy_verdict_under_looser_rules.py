"""The verdict was given before the rules became what they are."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"governance/missing-verdict"}
VERDICT = "undecided"
KEY = None


def apply(team):
    team.rule(lambda policy: policy.update(severities={"data/unlicensed-dataset": "major"}))
