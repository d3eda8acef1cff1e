"""Between the first and the last checkpoint nothing was trained: the states are a straight line."""

from __future__ import annotations

import numpy as np
from workbench import recommit, rewrite, state

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"reproduction/diverged-reproduction"}


def apply(repo):
    def interpolate(folder):
        first, last = state(folder, 0), state(folder, 80)
        for step in range(10, 80, 10):
            share = np.float32(step / 80)

            def line(arrays, share=share):
                for name in arrays:
                    if name.startswith("weights/"):
                        arrays[name] = first[name] + share * (last[name] - first[name])

            rewrite(folder, step, line)

    recommit(repo, interpolate)
    repo.commit("Claim a straight line")
