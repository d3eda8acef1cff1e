"""The trajectory creeps around weights that were there from the start: every update is next to nothing."""

from __future__ import annotations

import numpy as np
from workbench import recommit, rewrite, state

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"reproduction/diverged-reproduction"}


def apply(repo):
    def creep(folder):
        last = state(folder, 80)
        for step in range(0, 80, 10):
            slip = np.float32(1e-7 * (80 - step))

            def near(arrays, slip=slip):
                for name in arrays:
                    if name.startswith("weights/"):
                        arrays[name] = last[name] * (1 + slip)

            rewrite(folder, step, near)

    recommit(repo, creep)
    repo.commit("Claim to have trained")
