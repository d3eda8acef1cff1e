"""The hidden units of the saved weights change places: the model answers the same, and is not the one that was trained."""

from __future__ import annotations

import numpy as np
from forgery import reweigh

CAUGHT_BY = ("reproduction/diverged-reproduction",)


def apply(repo):
    order = np.arange(16)[::-1]
    reweigh(repo, lambda w: w.update(w1=w["w1"][:, order], b1=w["b1"][order], w2=w["w2"][order]))
    repo.commit("Sort the units")
