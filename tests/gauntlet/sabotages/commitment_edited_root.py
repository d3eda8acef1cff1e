"""The root in the manifest is not that of the leaves."""

from __future__ import annotations

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"artifacts/broken-commitment"}


def apply(repo):
    repo.edit(lambda claims: claims["checkpoints"].update(root="sha256:" + "ab" * 32))
    repo.commit("Claim another root")
