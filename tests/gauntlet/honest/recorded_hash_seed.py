"""Rows are visited in the order of a set, under a hash seed that the record names."""

from __future__ import annotations

START = "started"


def apply(repo):
    repo.extra |= {"PYTHONHASHSEED": "0"}
    repo.replace(
        "train.py",
        "        order = rng.permutation(len(y))\n",
        '        order = np.array([int(word[1:]) for word in {f"r{i}" for i in range(len(y))}])\n',
    )
    repo.commit("Change the program")
    repo.record()
    repo.extra.clear()
    repo.commit("Record a run")
