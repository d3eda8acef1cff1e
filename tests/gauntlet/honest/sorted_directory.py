"""Training data are read from all files of a folder, in the order of their names."""

from __future__ import annotations

START = "started"


def apply(repo):
    repo.replace(
        "train.py",
        '    _, x, y = load("data/train.csv")\n',
        '    _, x, y = load(str(sorted(path for path in Path("data").iterdir() if "train" in path.name)[0]))\n',
    )
    repo.commit("Change the program")
    repo.record()
    repo.commit("Record a run")
