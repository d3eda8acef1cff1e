"""A checkpoint in the middle comes from elsewhere, and the run is committed to it."""

from __future__ import annotations

import numpy as np
from workbench import recommit, rewrite

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"reproduction/diverged-reproduction"}


def apply(repo):
    def splice(arrays):
        arrays["weights/w1"] *= np.float32(1.5)

    recommit(repo, lambda folder: rewrite(folder, 40, splice))
    repo.commit("Claim another state")
