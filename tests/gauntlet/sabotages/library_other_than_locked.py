"""The run was made with another version of a library than its lock pins, and the manifest is edited to hide it."""

from __future__ import annotations

import packages

CAUGHT_BY = ("reproduction/diverged-reproduction",)
START = "started"


def apply(repo):
    index = packages.Index(repo.root.parent / "simple")
    lock = index.wheel("figures", "1.0", {"figures.py": "START = 0.3\n"})
    newer = index.wheel("figures", "1.1", {"figures.py": "START = 0.7\n"})
    packages.rebuilding(repo, index)
    packages.recorded(repo, packages.environment(repo.root.parent / "venv", index, newer), lock)
    repo.edit(lambda claims: claims["environment"]["packages"].update(figures="1.0"))
    repo.commit("Claim the version that is locked")
