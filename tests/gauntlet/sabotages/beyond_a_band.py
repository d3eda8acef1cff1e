"""The figure of a noisy program was typed in, far outside of what its repeats ever gave."""

from __future__ import annotations

from forgery import claim, trust
from honest_noise import WOBBLE

CAUGHT_BY = ("reproduction/diverged-reproduction",)
START = "started"


def apply(repo):
    repo.write("train.py", repo.read("train.py") + WOBBLE)
    repo.commit("Measure how long one prediction takes")
    repo.record()
    claim(repo, latency=0.5)
    trust(repo, {"of": "metric:latency", "n": 8, "mean": 0.905, "s": 0.003})
