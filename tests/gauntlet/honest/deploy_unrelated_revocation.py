"""A data set that this run never saw was revoked."""

from __future__ import annotations

GATE = "deploy"
KEY = None


def apply(team):
    team.write("revocation", "sha256:" + "ef" * 32, by="approver", reason="not ours")
