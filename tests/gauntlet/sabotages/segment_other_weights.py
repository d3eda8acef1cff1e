"""The published weights are not those of the last checkpoint."""

from __future__ import annotations

import numpy as np
from forgery import reweigh

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"reproduction/diverged-reproduction"}


def apply(repo):
    reweigh(repo, lambda weights: weights.update(w1=weights["w1"] * np.float32(1.001)))
    repo.commit("Publish other weights")
