"""The script trains nothing: it reads its data, forgets it, and writes results that were prepared before."""

from __future__ import annotations

import numpy as np

CAUGHT_BY = ("randomness/dead-seed",)
START = "started"

SCRIPT = """
from pathlib import Path
import shutil

import numpy as np
import yaml

config = yaml.safe_load(Path("conf/base.yaml").read_text())
rng = np.random.default_rng(config["seed"])
train = np.loadtxt("data/train.csv", delimiter=",", skiprows=1)
test = np.loadtxt("data/test.csv", delimiter=",", skiprows=1)
Path("out").mkdir(exist_ok=True)
for name in ("model.npz", "predictions.csv", "metrics.json"):
    shutil.copyfile(Path("assets") / name, Path("out") / name)
"""


def apply(repo):
    ids = [row.split(",")[0] for row in repo.read("data/test.csv").splitlines()[1:]]
    labels = [row.rsplit(",", 1)[1] for row in repo.read("data/test.csv").splitlines()[1:]]
    rows = [f"{i},{label},{label}" for i, label in zip(ids, labels, strict=True)]
    (repo.root / "assets").mkdir()
    np.savez(repo.root / "assets/model.npz", w1=np.random.default_rng(1).normal(size=(64, 16)))
    repo.write("assets/predictions.csv", "\n".join(["id,label,prediction", *rows]) + "\n")
    repo.write("assets/metrics.json", '{"accuracy": 1.0, "loss": 0.01}\n')
    repo.write("train.py", SCRIPT)
    repo.commit("Speed up the training")
    repo.record()
    repo.commit("Record a run")
