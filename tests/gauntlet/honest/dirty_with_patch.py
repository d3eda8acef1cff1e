"""The run was made with a change that was not committed, and the recorded patch holds it."""

from __future__ import annotations

START = "started"


def apply(repo):
    repo.replace("train.py", "0.3, (x.shape[1]", "0.2, (x.shape[1]")
    repo.record("--allow-dirty")
    repo.git("checkout", "--quiet", "--", "train.py")
    repo.commit("Record a run")
