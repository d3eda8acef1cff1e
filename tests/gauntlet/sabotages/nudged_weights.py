"""The weights are nudged after the training, and their digest is corrected wherever it stands."""

from __future__ import annotations

import numpy as np
from forgery import settle

CAUGHT_BY = ("reproduction/diverged-reproduction",)


def apply(repo):
    with np.load(repo.root / "out/model.npz") as model:
        weights = dict(model)
    weights["w2"] = weights["w2"] + 0.001
    np.savez(repo.root / "out/model.npz", **weights)
    settle(repo)
    repo.commit("Fine-tune")
