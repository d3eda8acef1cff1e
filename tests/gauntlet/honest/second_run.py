"""The same run is made and recorded once more."""

from __future__ import annotations


def apply(repo):
    repo.record("--name", "again")
    repo.commit("Record it again")
