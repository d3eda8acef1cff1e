"""The declared split lost forty rows of the data that it split."""

from __future__ import annotations

CAUGHT_BY = ("data/broken-partition",)
START = "started"


def apply(repo):
    def split(claims):
        step = {"name": "split", "inputs": ["raw"], "outputs": ["train", "test"]}
        next(data for data in claims["data"] if data["name"] == "train")["transformations"] = [step]

    rows = repo.read("data/train.csv").splitlines() + repo.read("data/test.csv").splitlines()[1:]
    rows += [f"{90000 + i},{row.split(',', 1)[1]}" for i, row in enumerate(rows[1:41])]
    repo.write("data/raw.csv", "\n".join(rows) + "\n")
    repo.commit("Keep the whole data")
    repo.record("--data", "raw:other=data/raw.csv")
    repo.edit(split)
    repo.commit("Record a run")
