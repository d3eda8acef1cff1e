"""The program starts from a file that git ignores and the manifest does not declare."""

from __future__ import annotations

import numpy as np

CAUGHT_BY = ("data/undeclared-input",)
START = "started"


def apply(repo):
    repo.write(".gitignore", "cache/\n")
    (repo.root / "cache").mkdir()
    np.save(repo.root / "cache/start.npy", np.random.default_rng(5).normal(0.0, 0.3, (64, 16)))
    repo.replace("train.py", "    loss = 0.0\n", '    w["w1"] = w["w1"] + np.load("cache/start.npy")\n    loss = 0.0\n')
    repo.commit("Start from somewhere")
    repo.record()
    repo.commit("Record a run")
