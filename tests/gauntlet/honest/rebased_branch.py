"""The branch is rebased onto a main that moved on, so that no commit has the recorded tree."""

from __future__ import annotations

START = "started"


def apply(repo):
    repo.replace("train.py", "0.3, (x.shape[1]", "0.2, (x.shape[1]")
    repo.commit("Start smaller")
    repo.record()
    repo.commit("Record a run")
    repo.checkout("main")
    repo.write("README.md", "# A digit reader\n")
    repo.commit("Introduce the project")
    repo.checkout("work")
    repo.git("rebase", "--quiet", "main")
    clone = repo.clone(repo.root.parent / "clone")
    clone.checkout("work")
    return clone
