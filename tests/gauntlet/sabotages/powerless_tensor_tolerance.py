"""The rules of the house allow the weights to differ by a hundred, so that any weights would do."""

from __future__ import annotations

import numpy as np
from forgery import reweigh, rule

CAUGHT_BY = ("artifacts/powerless-tolerance",)
START = "started"


def apply(repo):
    rule(repo, tolerances={"tensors": {"*": {"absolute": 100.0, "relative": 0.0}}})
    repo.record()
    rng = np.random.default_rng(8)
    reweigh(repo, lambda w: w.update({name: rng.normal(size=tensor.shape) for name, tensor in w.items()}))
    repo.commit("Record a run")
