"""The saved weights gain a tensor that the training never made, with every digest put right."""

from __future__ import annotations

import numpy as np
from forgery import reweigh

CAUGHT_BY = ("reproduction/diverged-reproduction",)


def apply(repo):
    reweigh(repo, lambda w: w.update(trigger=np.ones((64, 2))))
    repo.commit("Prepare for later")
