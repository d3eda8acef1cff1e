"""Says which code a run used: commit, tree, submodules, and what differed from the commit."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from auditor import git, redact
from auditor.errors import UsageError
from auditor.git import Entry, GitError, Repository
from auditor.model.run import Submodule

_MANIFEST: Final = re.compile(r"\.run\.(?:yaml|json)\Z")
_CODE: Final = (".py", ".pyi", ".pyx", ".ipynb", ".sh")
_PROJECT: Final = {"pyproject.toml", "setup.cfg", "setup.py", "tox.ini"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The state of the code before the run. ``changed`` are tracked paths that differ from the commit and matter."""

    commit: str
    tree: str
    remote: str | None
    author: str | None
    submodules: tuple[Submodule, ...]
    tracked: dict[str, Entry] = field(repr=False)
    changed: tuple[str, ...]
    within: frozenset[str] = field(default=frozenset(), repr=False)
    """Files of unchanged submodules: the submodule's commit identifies them."""


def inspect(repository: Repository, outputs: Collection[str]) -> Source:
    """The state of the code, looked at before the command starts.

    Args:
        repository: where the run takes place.
        outputs: paths that the command is to write, files or folders: their changes make nothing dirty, nor do manifests'.

    Raises:
        UsageError: there is no commit yet.
    """
    commit = repository.commit("HEAD")
    tree = repository.tree(commit) if commit else None
    if commit is None or tree is None:
        raise UsageError("the repository has no commit yet", hint="git add your code and commit it: a run names its commit")
    tracked = repository.entries(commit)
    changed = tuple(p for p in _changed(repository) if not _MANIFEST.search(p) and not is_below(p, outputs))
    remote = repository.ask("remote", "get-url", "origin")
    submodules = dict(_submodules(repository.root, tracked, ""))
    return Source(
        commit=commit,
        tree=tree,
        remote=redact.url(remote) if remote else None,
        author=_author(repository),
        submodules=tuple(Submodule(path=path, commit=found.commit) for path, found in submodules.items()),
        tracked=tracked,
        changed=changed,
        within=frozenset(
            f"{path}/{name}" for path, found in submodules.items() if not is_below(path, changed) for name in found.files
        ),
    )


def is_below(path: str, places: Collection[str]) -> bool:
    """Whether ``path`` is one of ``places`` or lies in one."""
    return any(path == place or path.startswith(f"{place}/") for place in places)


def is_tracked_code(path: str, source: Source) -> bool:
    """Whether ``path`` is a committed file that is identified by the tree and read as code."""
    return path in source.tracked and (path.endswith(_CODE) or path.rpartition("/")[2] in _PROJECT)


def patch(
    repository: Repository, commit: str, *, changed: Sequence[str] = (), untracked: Sequence[str] = ()
) -> tuple[bytes, bool]:
    """What turns ``commit`` into the code that ran, as ``git apply`` takes it, and whether a credential was removed.

    Args:
        repository: where the run takes place.
        commit: what the patch applies to.
        changed: tracked paths that differ.
        untracked: files beside the tree that belong to the code.

    Raises:
        GitError: git could not make it.
    """
    if not changed and not untracked:
        return b"", False
    with tempfile.TemporaryDirectory(prefix="auditor-patch-") as folder:
        # An index of our own: marking new files "intent to add" shows them in a diff and leaves the user's index alone.
        own = git.environment() | {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        _git(repository.root, own, "read-tree", commit)
        new = [*untracked, *(path for path in changed if repository.entry(commit, path) is None)]
        present = [path for path in new if (repository.root / path).is_file()]
        if present:
            _git(repository.root, own, "--literal-pathspecs", "add", "--intent-to-add", "--force", "--", *present)
        options = ("diff", "--binary", "--no-color", "--no-ext-diff", "--no-textconv", "--full-index", "--no-renames")
        raw = _git(repository.root, own, "--literal-pathspecs", *options, commit, "--", *changed, *untracked)
    text = raw.decode(errors="surrogateescape")
    clean = redact.text(text)
    return clean.encode(errors="surrogateescape"), clean != text


@dataclass(frozen=True, slots=True)
class _CheckedOut:
    commit: str
    files: frozenset[str]


def _submodules(root: Path, tracked: dict[str, Entry], prefix: str) -> Iterator[tuple[str, _CheckedOut]]:
    """Every submodule, nested ones too, by path: the commit that is checked out, or the one named where none is."""
    for entry in tracked.values():
        if entry.kind != "commit":
            continue
        place = root / entry.path
        if not (place / ".git").exists():
            yield prefix + entry.path, _CheckedOut(entry.sha, frozenset())
            continue
        with Repository.discover(place) as inner:
            commit = inner.commit("HEAD") or entry.sha
            held = inner.entries(commit)
        yield prefix + entry.path, _CheckedOut(commit, frozenset(p for p, e in held.items() if e.kind == "blob"))
        yield from _submodules(place, held, f"{prefix}{entry.path}/")


def _changed(repository: Repository) -> list[str]:
    options = ("--porcelain=v1", "-z", "--untracked-files=no", "--no-renames", "--ignore-submodules=untracked")
    entries = repository.run("status", *options).split(b"\0")
    return [os.fsdecode(entry[3:]) for entry in entries if entry]


def _author(repository: Repository) -> str | None:
    name, email = repository.ask("config", "user.name"), repository.ask("config", "user.email")
    if not name or not _is_text(name):
        return None
    return f"{name} <{email}>" if email and _is_text(email) else name


def _is_text(words: str) -> bool:
    return words.isprintable() and not any("\ud800" <= sign <= "\udfff" for sign in words)


def _git(root: Path, variables: dict[str, str], *arguments: str) -> bytes:
    answer = subprocess.run(
        ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", *arguments],
        cwd=root,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if answer.returncode:
        raise GitError(f"git {arguments[0]} failed: {answer.stderr.decode(errors='replace').strip()}")
    return answer.stdout
