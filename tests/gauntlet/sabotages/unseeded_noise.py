"""Noise on the weights comes from a generator that nobody seeds."""

from __future__ import annotations

CAUGHT_BY = ("reproduction/diverged-reproduction",)
START = "started"


def apply(repo):
    repo.replace(
        "train.py",
        "    loss = 0.0\n",
        '    w["w1"] += np.random.default_rng().normal(0.0, 0.1, w["w1"].shape)\n    loss = 0.0\n',
    )
    repo.commit("Change the program")
    repo.record()
    repo.commit("Record a run")
