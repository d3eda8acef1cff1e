"""The commit that was recorded is squashed with the run, and a fresh clone does not have it."""

from __future__ import annotations

START = "started"


def apply(repo):
    repo.replace("train.py", "0.3, (x.shape[1]", "0.2, (x.shape[1]")
    recorded = repo.commit("Start smaller")
    repo.record()
    repo.commit("Record a run")
    repo.git("reset", "--quiet", "--soft", "main")
    repo.commit("Start smaller, with a run")
    clone = repo.clone(repo.root.parent / "clone")
    clone.checkout("work")
    assert recorded not in clone.git("rev-list", "--all")
    return clone
