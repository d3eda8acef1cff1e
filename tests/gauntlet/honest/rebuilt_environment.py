"""The run names a lock with hashes, and the policy has every run executed in an environment made from its lock alone."""

from __future__ import annotations

import packages

START = "started"


def apply(repo):
    index = packages.Index(repo.root.parent / "simple")
    lock = index.wheel("figures", "1.0", {"figures.py": "START = 0.3\n"})
    packages.rebuilding(repo, index)
    packages.recorded(repo, packages.environment(repo.root.parent / "venv", index, lock), lock)
