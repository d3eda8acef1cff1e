"""The policy has the beginning of runs executed again, and the run left an honest trace."""

from __future__ import annotations

from forgery import rule

PROJECT = "loop"
START = "started"


def apply(repo):
    rule(repo, gates={"merge": {"tiers": ["digests", "recompute", "smoke", "prefix"]}})
    repo.record()
    repo.commit("Record a run")
