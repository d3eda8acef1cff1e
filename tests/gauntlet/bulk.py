"""A team whose large files are too large for git: they lie in a store, under their digests."""

from __future__ import annotations

import shutil
from pathlib import Path

from forgery import digest
from workbench import Repo


def place(repo: Repo, path: str) -> Path:
    """Where the store keeps the bytes that lie at ``path`` in the working tree."""
    return repo.root.parent / "bulk" / digest(repo, path).replace(":", "/")


def deposit(repo: Repo, *paths: str) -> None:
    """Copy files of the working tree into the store."""
    for path in paths:
        target = place(repo, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(repo.root / path, target)


def open_store(repo: Repo, *ignored: str) -> None:
    """Name the store in the policy of main, let git ignore some paths, and start the branch ``work`` from there."""
    repo.checkout("main")
    url = (repo.root.parent / "bulk").as_uri()
    repo.policy(lambda policy: policy.update(stores={"bulk": url}))
    repo.write(".gitignore", "".join(f"{path}\n" for path in ignored))
    repo.git("rm", "--quiet", "-r", "--cached", "--ignore-unmatch", *ignored)
    repo.commit("Keep large files in a store")
    repo.git("checkout", "--quiet", "-B", "work")


def newcomer(repo: Repo) -> Repo:
    """A fresh clone of the branch ``work``, which has nothing but what git and the store hold."""
    clone = repo.clone(repo.root.parent / "newcomer")
    clone.checkout("work")
    return clone
