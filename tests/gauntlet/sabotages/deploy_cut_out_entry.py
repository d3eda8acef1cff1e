"""An entry was cut out of the middle of the ledger."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"governance/broken-ledger"}


def apply(team):
    team.approve("second")
    team.tamper(
        "DELETE FROM subjects WHERE sequence = (SELECT min(sequence) FROM entries WHERE kind = 'approval')",
        "DELETE FROM entries WHERE sequence = (SELECT min(sequence) FROM entries WHERE kind = 'approval')",
    )
