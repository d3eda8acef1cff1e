"""The result depends on the name of the folder that the program is called in."""

from __future__ import annotations

CAUGHT_BY = ("reproduction/diverged-reproduction",)
START = "started"


def apply(repo):
    repo.replace(
        "train.py",
        "    loss = 0.0\n",
        '    w["b1"] += len(str(Path.cwd())) / 100\n    loss = 0.0\n',
    )
    repo.commit("Change the program")
    repo.record()
    repo.commit("Record a run")
