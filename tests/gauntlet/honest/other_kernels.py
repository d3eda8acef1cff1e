"""The run was recorded under other settings of its linear algebra, in another executor class than the one that judges it."""

from __future__ import annotations

from forgery import rule

START = "started"


def apply(repo):
    rule(repo, tolerances={"tensors": {"*": {"absolute": 1.0e-8, "relative": 1.0e-6}}})
    repo.extra |= {"OPENBLAS_CORETYPE": "Sandybridge", "OPENBLAS_NUM_THREADS": "1"}
    repo.record()
    repo.extra.clear()
    repo.commit("Record a run")
