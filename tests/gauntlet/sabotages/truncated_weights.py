"""The second half of the weights file is cut off, with every digest put right."""

from __future__ import annotations

from forgery import settle

CAUGHT_BY = ("reproduction/diverged-reproduction",)


def apply(repo):
    whole = (repo.root / "out/model.npz").read_bytes()
    repo.write("out/model.npz", whole[: len(whole) // 2])
    settle(repo)
    repo.commit("Upload the weights")
