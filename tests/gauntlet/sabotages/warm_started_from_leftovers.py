"""Training goes on from weights that an earlier run happened to leave where this one writes its own."""

from __future__ import annotations

CAUGHT_BY = ("reproduction/diverged-reproduction", "data/undeclared-input")
START = "started"


def apply(repo):
    start = (
        '    if Path("out/model.npz").exists():\n        with np.load("out/model.npz") as old:\n            w = dict(old)\n'
    )
    repo.replace("train.py", "    loss = 0.0\n", f"{start}    loss = 0.0\n")
    repo.commit("Change the program")
    repo.record()
    for left in repo.manifests():
        (repo.root / left).unlink()
    repo.record()
    repo.commit("Record a run")
