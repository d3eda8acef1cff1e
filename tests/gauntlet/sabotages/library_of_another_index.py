"""The lock names an index of its own, and pins a library that the index of the policy does not have."""

from __future__ import annotations

import packages

CAUGHT_BY = ("reproduction/diverged-reproduction",)
VERDICT = "undecided"
START = "started"


def apply(repo):
    index, own = packages.Index(repo.root.parent / "simple"), packages.Index(repo.root.parent / "own")
    index.wheel("figures", "1.0", {"figures.py": "START = 0.3\n"})
    lock = own.wheel("figures", "1.0", {"figures.py": "START = 0.7\n"})
    packages.rebuilding(repo, index)
    python = packages.environment(repo.root.parent / "venv", own, lock)
    packages.recorded(repo, python, f"--index-url {own.url}\n{lock}")
