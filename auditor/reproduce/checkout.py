"""Fills a folder with one commit's files and a one-commit ``.git`` of its own, as git stores the bytes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from auditor.reproduce import plumbing

# Bytes must equal git's objects: no line endings, keywords, filters or encodings, whatever .gitattributes asks for.
_ATTRIBUTES = "* -text !eol -ident !filter !working-tree-encoding\n"

Hidden = Callable[[str, bool], bool]
"""Tells of a path, and of whether a link stands there, that the command must not see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedOut:
    """What came into the folder: ``files`` by path, and the commits of ``submodules``, whose folders are still empty."""

    files: frozenset[str]
    submodules: dict[str, str]


def checkout(source: Path, commit: str, target: Path, *, hidden: Hidden) -> CheckedOut:
    """Fill ``target`` with what the repository at ``source`` holds in ``commit``, but for what is ``hidden``.

    Objects of hidden files are not in the new repository: what a command must compute cannot be read back from history.

    Raises:
        GitError: the commit, or an object of it, is not there.
    """
    # 1. What the commit holds, and what of it the command may see.
    listing = plumbing.git(source, "ls-tree", "-r", "-t", "-z", "--full-tree", commit)
    objects, kept, removed = [commit, f"{commit}^{{tree}}"], [], []
    submodules: dict[str, str] = {}
    for line in listing.split(b"\0"):
        about, _, raw = line.partition(b"\t")
        if not raw:
            continue
        mode, kind, sha = about.decode().split()
        path = os.fsdecode(raw)
        if kind == "tree":
            objects.append(sha)
        elif hidden(path, mode == "120000"):
            removed.append(raw)
        elif kind == "commit":
            submodules[path] = sha
        else:
            kept.append(raw)
            objects.append(sha)
    # 2. A repository of our own with exactly these objects.
    named = plumbing.git(source, "rev-parse", "--verify", f"{commit}^{{commit}}").decode().strip()
    _found(target, named)
    plumbing.transfer(source, target, objects)
    (target / ".git" / "refs" / "heads" / "main").write_text(f"{named}\n", encoding="ascii")
    # 3. The index knows the removed files but does not miss them: `git status` stays clean.
    plumbing.git(target, "read-tree", "HEAD")
    if removed:
        plumbing.git(target, "update-index", "-z", "--skip-worktree", "--stdin", stdin=b"\0".join(removed) + b"\0")
    if kept:
        plumbing.git(target, "checkout-index", "-q", "-u", "-z", "--stdin", stdin=b"\0".join(kept) + b"\0")
    for path in submodules:
        (target / path).mkdir(parents=True, exist_ok=True)
    return CheckedOut(files=frozenset(os.fsdecode(raw) for raw in kept), submodules=submodules)


def _found(target: Path, commit: str) -> None:
    kind = "sha256" if len(commit) == 64 else "sha1"
    target.mkdir(parents=True, exist_ok=True)
    plumbing.git(target, "init", "-q", "--template=", "--initial-branch=main", f"--object-format={kind}", ".")
    private = target / ".git"
    (private / "info").mkdir(exist_ok=True)
    (private / "info" / "attributes").write_text(_ATTRIBUTES, encoding="ascii")
    (private / "shallow").write_text(f"{commit}\n", encoding="ascii")
