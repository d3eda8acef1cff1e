"""The recorded commit was written a month ago and committed again today."""

from __future__ import annotations

START = "started"


def apply(repo):
    repo.replace("train.py", "0.3, (x.shape[1]", "0.2, (x.shape[1]")
    repo.commit("Start smaller")
    repo.git("commit", "--quiet", "--amend", "--no-edit", "--date", "30 days ago")
    repo.record()
    repo.commit("Record a run")
    repo.git("commit", "--quiet", "--amend", "--no-edit", "--date", "29 days ago")
