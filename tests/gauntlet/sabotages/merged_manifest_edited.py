"""A merged manifest is told differently."""

from __future__ import annotations

CAUGHT_BY = ("governance/rewritten-run",)
START = "merged"


def apply(repo):
    repo.edit(lambda claims: claims["run"].update(author="somebody else", purpose="the final model"))
    repo.commit("Clarify")
