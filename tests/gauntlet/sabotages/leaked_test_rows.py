"""Five of fifty test rows are copied into the training table under new ids, and the run is recorded afresh."""

from __future__ import annotations

CAUGHT_BY = ("data/train-test-overlap",)
PROJECT = "layered"
START = "started"


def apply(repo):
    leaked = repo.read("data/test.csv").splitlines()[1:6]
    renamed = [f"{9000 + i},{row.split(',', 1)[1]}" for i, row in enumerate(leaked)]
    repo.write("data/train.csv", repo.read("data/train.csv") + "\n".join(renamed) + "\n")
    repo.commit("Add data")
    repo.record()
    repo.commit("Record a run")
