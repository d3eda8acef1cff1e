"""A doctored stretch, committed to again and again until a challenge without the verifier's key would have spared it."""

from __future__ import annotations

import numpy as np
from forgery import rule
from workbench import recommit, rewrite

from auditor.commitment import challenge

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"reproduction/diverged-reproduction"}


def apply(repo):
    (old,) = repo.manifests()
    repo.git("rm", "--quiet", "--force", old)
    repo.commit("Take the run back")
    rule(repo, segments={"draw": 7, "top": 0})
    repo.record()
    repo.commit("Record a run")
    for attempt in range(1, 100):

        def doctor(arrays, attempt=attempt):
            arrays["weights/b2"] = arrays["weights/b2"] + np.float32(1e-3 * attempt)

        recommit(repo, lambda folder, change=doctor: rewrite(folder, 40, change))
        root = repo.claims()["checkpoints"]["root"]
        believed = challenge.Commitment(root=root, run="", policy="")
        if not {3, 4} & set(challenge.draw(challenge.seed(b"", believed), 8, 5)):
            break
    repo.commit("Commit to what would be spared")
