"""The verdict is older than the policy lets it be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

GATE = "deploy"
CAUGHT_BY = {"governance/missing-verdict"}
VERDICT = "undecided"
KEY = None


def apply(team):
    team.rule(lambda policy: policy["gates"]["deploy"].update({"max-verdict-age": "1d"}))
    team.judge()
    body = team.entries("verdict")[-1].body
    team.forget()
    team.approve("approver")
    team.write("verdict", team.digest(), by="judge", written=datetime.now(UTC) - timedelta(days=3), **body)
