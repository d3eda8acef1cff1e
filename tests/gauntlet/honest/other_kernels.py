"""The run was recorded with other kernels of its linear algebra, inside what the rules allow the weights."""

from __future__ import annotations

from forgery import rule

START = "started"


def apply(repo):
    rule(repo, tolerances={"tensors": {"*": {"absolute": 1.0e-8, "relative": 1.0e-6}}})
    repo.extra |= {"OPENBLAS_CORETYPE": "Sandybridge", "OPENBLAS_NUM_THREADS": "1"}
    repo.record()
    repo.extra.clear()
    repo.commit("Record a run")
