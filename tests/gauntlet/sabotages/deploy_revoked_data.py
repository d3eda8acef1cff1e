"""The training data were revoked after the deployment was approved."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"lineage/revoked-ancestor"}


def apply(team):
    train = next(data["digest"] for data in team.repo.claims()["data"] if data["name"] == "train")
    team.write("revocation", train, by="approver", reason="label leak")
