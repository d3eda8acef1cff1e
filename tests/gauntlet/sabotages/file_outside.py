"""The program reads weights from a folder of its author's, outside of the repository."""

from __future__ import annotations

from pathlib import Path

import numpy as np

CAUGHT_BY = ("reproduction/diverged-reproduction", "data/undeclared-input")
START = "started"


def apply(repo):
    place = Path(repo.env["HOME"]) / "start.npy"
    np.save(place, np.random.default_rng(5).normal(0.0, 0.3, (64, 16)))
    repo.replace("train.py", "    loss = 0.0\n", f'    w["w1"] = w["w1"] + np.load("{place}")\n    loss = 0.0\n')
    repo.commit("Start from somewhere")
    repo.record()
    repo.commit("Record a run")
