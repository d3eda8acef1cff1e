"""The last checkpoint holds a number that is none."""

from __future__ import annotations

import numpy as np
from workbench import recommit, rewrite

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"reproduction/diverged-reproduction"}


def apply(repo):
    def spoil(arrays):
        arrays["weights/b1"] = np.full_like(arrays["weights/b1"], np.inf)

    recommit(repo, lambda folder: rewrite(folder, 80, spoil))
    repo.commit("Overflow")
