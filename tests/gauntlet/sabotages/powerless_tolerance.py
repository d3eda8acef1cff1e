"""The rules of the house allow so much that a model which always answers the same would pass."""

from __future__ import annotations

CAUGHT_BY = ("metrics/powerless-tolerance",)
START = "started"


def apply(repo):
    repo.checkout("main")
    repo.policy(lambda policy: policy.update(tolerances={"metrics": {"*": {"absolute": 1.0, "relative": 1.0}}}))
    repo.commit("Be generous")
    repo.git("checkout", "--quiet", "-B", "work")
    repo.record()
    repo.commit("Record a run")
