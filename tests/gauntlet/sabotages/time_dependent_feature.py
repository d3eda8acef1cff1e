"""The time of day is one of the numbers that training starts from."""

from __future__ import annotations

CAUGHT_BY = ("reproduction/diverged-reproduction",)
START = "started"


def apply(repo):
    repo.replace(
        "train.py",
        "import json\n",
        "import json\nimport time\n",
    )
    repo.replace(
        "train.py",
        "    loss = 0.0\n",
        '    w["b1"] += (time.time() % 86400) / 86400\n    loss = 0.0\n',
    )
    repo.commit("Change the program")
    repo.record()
    repo.commit("Record a run")
