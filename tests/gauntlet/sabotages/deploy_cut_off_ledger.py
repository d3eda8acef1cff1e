"""The end of the ledger may have been cut off: its newest signed checkpoint is older than the policy lets it be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

GATE = "deploy"
CAUGHT_BY = {"governance/broken-ledger"}
VERDICT = "undecided"


def apply(team):
    team.rule(lambda policy: policy.update(ledger={"max-age": "1d"}))
    team.judge()
    with team.ledger(writable=False) as ledger:
        sequence, digest = ledger.head
    team.write("checkpoint", digest, by="judge", written=datetime.now(UTC) - timedelta(days=3), sequence=sequence)
