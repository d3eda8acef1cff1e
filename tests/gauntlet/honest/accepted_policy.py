"""An owner of the base accepted, under a key of their own, that the policy asks for less."""

from __future__ import annotations

from people import hire

START = "started"


def apply(repo):
    keys = hire(repo, "owner")
    repo.policy(lambda policy: policy.update(covers=["conf/**"]))
    repo.commit("Cover less")
    done = ("approve", "auditor.yaml", "--gate", "merge", "--reason", "generated code", "--base", "main")
    repo.auditor(*done, "--key", str(keys["owner"])).expect(0)
