"""The minute at which a fixed moment falls in the machine's time zone is one of the numbers that training uses."""

from __future__ import annotations

CAUGHT_BY = ("reproduction/diverged-reproduction",)
START = "started"


def apply(repo):
    repo.replace("train.py", "import json\n", "import json\nimport time\n")
    repo.replace("train.py", "    loss = 0.0\n", '    w["b1"] += time.localtime(0).tm_min / 100\n    loss = 0.0\n')
    repo.commit("Add the hour")
    repo.record()
    repo.commit("Record a run")
