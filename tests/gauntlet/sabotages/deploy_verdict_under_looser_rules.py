"""The verdict was given under other rules than those that are in force."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"governance/missing-verdict"}
VERDICT = "undecided"
KEY = None


def apply(team):
    team.rule(lambda policy: policy.update(severities={"data/unlicensed-dataset": "info"}))
