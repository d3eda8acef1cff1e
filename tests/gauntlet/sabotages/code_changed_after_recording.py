"""The code is changed after the recording, and the commit that was recorded is squashed away."""

from __future__ import annotations

CAUGHT_BY = ("code/unreachable-commit", "code/unrecorded-change")
START = "started"


def apply(repo):
    repo.replace("train.py", "0.3, (x.shape[1]", "0.2, (x.shape[1]")
    repo.commit("Start smaller")
    repo.record()
    repo.replace("train.py", "0.2, (x.shape[1]", "0.5, (x.shape[1]")
    repo.git("add", "--all")
    repo.git("reset", "--quiet", "--soft", "main")
    repo.commit("Start larger, with a run")
