"""The branch brings the band into which its typed-in figure falls."""

from __future__ import annotations

import json

from forgery import claim, teach
from honest_noise import WOBBLE

CAUGHT_BY = ("reproduction/diverged-reproduction", "governance/loosened-policy")
START = "started"


def apply(repo):
    repo.write("train.py", repo.read("train.py") + WOBBLE)
    repo.commit("Measure how long one prediction takes")
    repo.record()
    claim(repo, latency=0.5)
    repo.write("bands/mine.band.json", json.dumps(teach(repo, {"of": "metric:*", "n": 8, "mean": 0.7, "s": 0.5})))
    repo.policy(lambda policy: policy.update(bands=["bands/mine.band.json"]))
    repo.commit("Record a run, and what it may do")
