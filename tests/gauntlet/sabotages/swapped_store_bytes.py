"""The store holds other training data under the recorded digest, and a newcomer's clone is judged."""

from __future__ import annotations

from bulk import deposit, newcomer, open_store, place

CAUGHT_BY = ("data/changed-dataset",)
VERDICT = "undecided"
PROJECT = "fleet"
START = "started"


def apply(repo):
    open_store(repo, "data/")
    deposit(repo, "data/train.csv", "data/test.csv")
    repo.record()
    repo.commit("Record a run")
    stored = place(repo, "data/train.csv")
    stored.write_text(stored.read_text(encoding="utf-8").replace(",16,", ",15,"), encoding="utf-8")
    return newcomer(repo)
