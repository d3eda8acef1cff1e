"""The end of the ledger, a revocation, was cut off; a signed checkpoint knows that it was there."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"governance/broken-ledger"}


def apply(team):
    team.checkpoint()
    team.tamper("DELETE FROM entries WHERE kind = 'approval'", "DELETE FROM subjects WHERE kind = 'approval'")
