"""Training rows are changed after the run was recorded, and the manifest is given their new digest."""

from __future__ import annotations

from forgery import digest, relabel

CAUGHT_BY = ("code/unrecorded-change", "data/changed-dataset", "reproduction/diverged-reproduction")


def apply(repo):
    relabel(repo, rows=20)
    new = digest(repo, "data/train.csv")

    def follow(claims):
        old = next(source["digest"] for source in claims["data"] if source["name"] == "train")
        for entry in [*claims["data"], *claims["observed"]["reads"]]:
            if entry.get("digest") == old:
                entry["digest"] = new
                if "size" in entry:
                    entry["size"] = (repo.root / "data/train.csv").stat().st_size

    repo.edit(follow)
    repo.commit("Correct labels")
