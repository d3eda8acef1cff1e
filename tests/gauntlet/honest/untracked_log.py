"""The program writes a log with the time of day, which git ignores and nobody declares."""

from __future__ import annotations

START = "started"


def apply(repo):
    repo.write(".gitignore", "*.log\n")
    repo.replace("train.py", "import json\n", "import json\nimport time\n")
    repo.replace(
        "train.py", "    loss = 0.0\n", '    loss = 0.0\n    Path("train.log").write_text(time.ctime(), encoding="utf-8")\n'
    )
    repo.commit("Keep a log")
    repo.record()
    repo.commit("Record a run")
