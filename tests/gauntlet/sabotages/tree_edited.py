"""One leaf of a boosted model is improved by hand, and its digest put right."""

from __future__ import annotations

from forgery import digest

PROJECT = "lightgbm"
START = "challenged"
CAUGHT_BY = {"reproduction/diverged-reproduction"}


def apply(repo):
    path = "out/model.txt"
    before, after = repo.read(path).split("Tree=11\n")
    line = next(line for line in after.splitlines() if line.startswith("leaf_value="))
    first, *others = line.removeprefix("leaf_value=").split()
    better = " ".join([repr(float(first) * 1.001), *others])
    repo.write(path, f"{before}Tree=11\n{after.replace(line, f'leaf_value={better}', 1)}")

    def settle(claims):
        for artifact in claims["artifacts"]:
            if artifact["path"] == path:
                artifact |= {"digest": digest(repo, path), "size": len((repo.root / path).read_bytes())}

    repo.edit(settle)
    repo.commit("Improve a leaf")
