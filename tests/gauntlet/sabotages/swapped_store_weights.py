"""The store holds other weights under the recorded digest, and a newcomer's clone is judged."""

from __future__ import annotations

from bulk import deposit, newcomer, open_store, place

CAUGHT_BY = ("artifacts/changed-artifact",)
PROJECT = "fleet"
START = "started"


def apply(repo):
    open_store(repo, "*.npz")
    repo.record()
    deposit(repo, "out/model.npz")
    repo.commit("Record a run")
    place(repo, "out/model.npz").write_bytes(b"PK" + bytes(4096))
    return newcomer(repo)
