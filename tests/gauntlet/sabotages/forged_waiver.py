"""A waiver in an owner's name is written into the ledger's file, without the owner's key."""

from __future__ import annotations

from people import forge, hire
from workbench import wrong_metric

from auditor.catalogue.check import catalogue
from auditor.gate.subject import from_file
from auditor.policy.waivers import rule_digest

CAUGHT_BY = {"metrics/wrong-metric"}


def apply(repo):
    hire(repo, "owner")
    repo.edit(wrong_metric)
    repo.commit("Claim more")
    digest = from_file(repo.root, repo.manifest).digest
    for check in ("metrics/wrong-metric", "metrics/contradicting-file", "reproduction/diverged-reproduction"):
        rule = rule_digest(catalogue()[check].rule)
        forge(repo, "waiver", digest, {"check": check, "rule": rule, "reason": "agreed", "until": "2027-01-01"})
