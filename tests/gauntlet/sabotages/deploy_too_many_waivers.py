"""A finding is waived for the merge, and nothing that is waived may ship."""

from __future__ import annotations

from people import waived

GATE = "deploy"
CAUGHT_BY = {"governance/overwaived-deployment"}


def apply(team):
    waived(team, at_most=0)
