"""A program that is noisy by nature differs by no more than its repeats did, from which the rules have learned."""

from __future__ import annotations

from forgery import trust
from honest_noise import WOBBLE

START = "started"


def apply(repo):
    repo.write("train.py", repo.read("train.py") + WOBBLE)
    repo.commit("Measure how long one prediction takes")
    repo.record()
    trust(repo, {"of": "metric:latency", "n": 8, "mean": 0.905, "s": 0.003})
