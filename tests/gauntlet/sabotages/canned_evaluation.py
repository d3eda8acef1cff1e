"""The evaluation copies predictions that were committed beforehand, whatever the weights are."""

from __future__ import annotations

CAUGHT_BY = ("reproduction/diverged-reproduction",)
PROJECT = "evaluated"
START = "started"


def apply(repo):
    repo.record()
    repo.write("kept.csv", repo.read("out/predictions.csv"))
    repo.write("evaluate.py", "import shutil\n\nshutil.copy('kept.csv', 'out/predictions.csv')\n")
    for old in repo.manifests():
        (repo.root / old).unlink()
    repo.commit("Simplify the evaluation")
    repo.record()
    repo.commit("Record a run")
