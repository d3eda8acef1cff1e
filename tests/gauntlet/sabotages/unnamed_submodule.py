"""The code has a submodule without an address, so that nobody can fetch it."""

from __future__ import annotations

CAUGHT_BY = ("code/unresolved-submodule",)
START = "started"


def apply(repo):
    (repo.root / "vendor/metrics").mkdir(parents=True)
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{'5a' * 20},vendor/metrics")
    repo.git("commit", "--quiet", "--message", "Use a library")
    repo.record()
    repo.commit("Record a run")
