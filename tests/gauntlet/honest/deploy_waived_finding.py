"""An owner waived a finding, and as many waivers as there are may ship."""

from __future__ import annotations

from people import waived

GATE = "deploy"


def apply(team):
    waived(team, at_most=1)
