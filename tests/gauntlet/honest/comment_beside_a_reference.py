"""A comment is added to code that a merged reference run covers."""

from __future__ import annotations

START = "merged"


def apply(repo):
    repo.replace("train.py", "    loss = 0.0\n", "    loss = 0.0  # of the last batch\n")
    repo.commit("Explain")
