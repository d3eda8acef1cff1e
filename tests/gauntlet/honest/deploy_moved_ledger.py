"""The ledger was moved to another database."""

from __future__ import annotations

GATE = "deploy"
KEY = None


def apply(team):
    team.move_ledger()
    team.judge()
