"""A comment is added to the code after the recording."""

from __future__ import annotations


def apply(repo):
    repo.replace("train.py", "    loss = 0.0\n", "    loss = 0.0  # of the last batch\n")
    repo.commit("Explain")
