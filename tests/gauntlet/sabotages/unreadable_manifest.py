"""The manifest says the same thing twice and differently, so that two readers would read two runs."""

from __future__ import annotations

CAUGHT_BY = ("schema/unreadable-manifest",)


def apply(repo):
    repo.write(repo.manifest, repo.read(repo.manifest) + "metrics: []\n")
    repo.commit("Append")
