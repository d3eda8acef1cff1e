"""The run started from weights that were revoked."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"lineage/revoked-ancestor"}


def apply(team):
    parent = "sha256:" + "ab" * 32
    team.repo.edit(lambda claims: claims.update(lineage={"parents": [{"digest": parent, "relation": "initialised-from"}]}))
    team.repo.commit("Name the parent")
    team.judge()
    team.approve("approver")
    team.write("revocation", parent, by="approver", reason="trained on stolen data")
