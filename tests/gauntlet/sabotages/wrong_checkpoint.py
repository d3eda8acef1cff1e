"""The weights that are committed are those of an earlier step than the predictions'."""

from __future__ import annotations

import shutil

from forgery import settle

CAUGHT_BY = ("reproduction/diverged-reproduction",)
PROJECT = "evaluated"


def apply(repo):
    kept = {path: (repo.root / path).read_bytes() for path in ("out/predictions.csv", "out/metrics.json")}
    options = ("--set", "steps=40", "--config", "conf/base.yaml", "--out", "out/model.npz", "--manifest", "early.run.yaml")
    repo.auditor("record", *options, "--", "python", "train.py").expect(0)
    (repo.root / "early.run.yaml").unlink()
    for path, content in kept.items():
        repo.write(path, content)
    shutil.rmtree(repo.root / "__pycache__", ignore_errors=True)
    settle(repo)
    repo.commit("Commit another checkpoint")
