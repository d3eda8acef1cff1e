"""One tensor of the saved weights is replaced by another of the same shape, with every digest put right."""

from __future__ import annotations

import numpy as np
from forgery import reweigh

CAUGHT_BY = ("reproduction/diverged-reproduction",)


def apply(repo):
    rng = np.random.default_rng(8)
    reweigh(repo, lambda w: w.update(w2=rng.normal(0.0, w["w2"].std(), w["w2"].shape)))
    repo.commit("Tune the last layer")
