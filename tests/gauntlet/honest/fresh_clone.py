"""The branch is judged in a fresh clone, in a directory with a space in its name."""

from __future__ import annotations


def apply(repo):
    clone = repo.clone(repo.root.parent / "another place")
    clone.checkout("work")
    return clone
