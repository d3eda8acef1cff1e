"""A revocation in the ledger was rewritten into a word about something else."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"governance/broken-ledger"}


def apply(team):
    team.write("access", team.digest(), by="approver", reason="looked at it")
    team.tamper("UPDATE entries SET statement = replace(statement, 'looked', 'locked') WHERE kind = 'access'")
