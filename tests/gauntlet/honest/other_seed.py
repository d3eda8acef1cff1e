"""A second run is recorded with another seed, and its outputs take the place of the first one's."""

from __future__ import annotations


def apply(repo):
    first = repo.manifest
    repo.replace("conf/base.yaml", "seed: 3", "seed: 4")
    repo.commit("Try another seed")
    repo.git("rm", "--quiet", first)
    repo.record("--name", "other-seed")
    repo.commit("Record it in place of the first")
