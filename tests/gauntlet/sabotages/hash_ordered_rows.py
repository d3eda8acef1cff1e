"""Training rows are visited in the order of a set of words, which is another in every process."""

from __future__ import annotations

CAUGHT_BY = ("reproduction/diverged-reproduction",)
START = "started"


def apply(repo):
    repo.replace(
        "train.py",
        "        order = rng.permutation(len(y))\n",
        '        order = np.array([int(word[1:]) for word in {f"r{i}" for i in range(len(y))}])\n',
    )
    repo.commit("Change the program")
    repo.record()
    repo.commit("Record a run")
