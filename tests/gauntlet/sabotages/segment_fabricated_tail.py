"""The last quarter of training was not done: its states are noise around the last real one."""

from __future__ import annotations

import numpy as np
from workbench import recommit, rewrite, state

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"reproduction/diverged-reproduction"}


def apply(repo):
    def fabricate(folder):
        rng = np.random.default_rng(1)
        real = state(folder, 60)

        def noise(arrays):
            for name in arrays:
                if name.startswith("weights/"):
                    arrays[name] = real[name] + rng.normal(0, 1e-2, real[name].shape).astype(np.float32)

        for step in (70, 80):
            rewrite(folder, step, noise)

    recommit(repo, fabricate)
    repo.commit("Fabricate the tail")
