"""The run was recorded in another time zone and writes the local time into its log."""

from __future__ import annotations

START = "started"


def apply(repo):
    repo.extra |= {"TZ": "Asia/Tokyo"}
    repo.replace(
        "train.py",
        "import json\n",
        "import json\nimport time\n",
    )
    repo.replace(
        "train.py",
        "    loss = 0.0\n",
        '    print("started at", time.strftime("%H:%M %Z"))\n    loss = 0.0\n',
    )
    repo.commit("Change the program")
    repo.record()
    repo.extra.clear()
    repo.commit("Record a run")
