"""Other weights lie where the manifest points, and the manifest is left as it was."""

from __future__ import annotations

import numpy as np

CAUGHT_BY = ("artifacts/changed-artifact",)
PROJECT = "forest"


def apply(repo):
    np.savez(repo.root / "out/model.npz", weights=np.ones(3))
    repo.commit("Use a better model")
