"""Training rows are changed afterwards, the manifest is given their new digest, and what the run read is struck out."""

from __future__ import annotations

from forgery import digest, relabel

CAUGHT_BY = (
    "code/unrecorded-change",
    "data/changed-dataset",
    "data/undeclared-input",
    "reproduction/diverged-reproduction",
)


def apply(repo):
    relabel(repo, rows=20)

    def follow(claims):
        train = next(source for source in claims["data"] if source["name"] == "train")
        train["digest"] = digest(repo, "data/train.csv")
        train["size"] = (repo.root / "data/train.csv").stat().st_size
        claims["observed"]["reads"] = [r for r in claims["observed"]["reads"] if r["path"] != "data/train.csv"]

    repo.edit(follow)
    repo.commit("Correct labels")
