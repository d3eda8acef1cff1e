"""The predictions are a header without a row, with every digest put right."""

from __future__ import annotations

from forgery import settle

CAUGHT_BY = ("artifacts/empty-artifact",)


def apply(repo):
    repo.write("out/predictions.csv", "id,label,prediction\n")
    settle(repo)
    repo.commit("Save space")
