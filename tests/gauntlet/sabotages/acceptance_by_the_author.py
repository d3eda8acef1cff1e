"""The author of a looser policy accepts it with a key that belongs to no owner."""

from __future__ import annotations

from people import forge, hire

from auditor.policy.load import load

START = "started"
CAUGHT_BY = {"governance/loosened-policy"}


def apply(repo):
    keys = hire(repo, "author")
    base = load((repo.root / "auditor.yaml").read_bytes(), source="auditor.yaml").digest
    repo.policy(lambda policy: policy.update(covers=["conf/**"]))
    repo.commit("Cover less")
    head = load((repo.root / "auditor.yaml").read_bytes(), source="auditor.yaml").digest
    body = {"gate": "merge", "base": base, "reason": "it is fine", "until": "2099-01-01"}
    forge(repo, "acceptance", head, body, key=keys["author"])
