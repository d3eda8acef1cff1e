"""A temporary folder that holds one commit and nothing else: the world that a re-executed command sees.

The folder has its own one-commit ``.git`` with the same commit id, so programs that ask git for their version get the
recorded answer. Objects of files that were taken away (outputs, manifests, ledger) are not in it: what the command must
compute cannot be read back from history. The audited repository is only read.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from auditor import digest, globs
from auditor.git import GitError, Repository
from auditor.model.run import DataSource
from auditor.reproduce import plumbing

MANIFESTS = ("**/*.run.yaml", "**/*.run.json")
"""Files that are manifests wherever they lie: a command never sees what it is expected to produce."""

_SYSTEM = frozenset({"bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "run", "sbin", "sys", "usr"})
# Bytes must equal git's objects: no line endings, keywords, filters or encodings, whatever .gitattributes asks for.
_ATTRIBUTES = "* -text !eol -ident !filter !working-tree-encoding\n"
_LFS = b"version https://git-lfs.github.com/spec/"

Fetch = Callable[[DataSource], Path | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One declared output after the command: ``path`` when the command created it, else ``reason`` why it does not count."""

    path: Path | None = None
    reason: str | None = None
    refused: bool = False


class Workspace:
    """A commit's files in a temporary folder, as a context manager; nothing is left behind on any exit.

    Attributes:
        base: the temporary folder; ``root``, ``home``, ``scratch`` and ``shown`` (read-only for the command) lie in it.
        notes: what differs from the record, in words.
        missing: declared inputs whose bytes were found nowhere, as ``path (digest)``.
        sealed: inputs in the workspace that the command may only read.
        mounts: ``(file on this machine, absolute path in the sandbox)`` of inputs that the command saw outside its folder.
    """

    def __init__(  # noqa: PLR0913  (one commit, and what to take from it and add to it)
        self,
        repository: Repository,
        commit: str,
        *,
        outputs: Collection[str] = (),
        inputs: Sequence[DataSource] = (),
        hidden: Sequence[str] = (),
        fetch: Fetch | None = None,
    ) -> None:
        self._repository = repository
        self._commit = commit
        self._outputs = frozenset(_inside(path) for path in outputs)
        self._inputs = inputs
        self._hidden = (*MANIFESTS, *hidden)
        self._fetch = fetch
        self._before: frozenset[str] = frozenset()
        self.notes: list[str] = []
        self.missing: list[str] = []
        self.sealed: list[Path] = []
        self.mounts: list[tuple[Path, str]] = []

    def __enter__(self) -> Self:
        self.base = _temporary(self._repository.root)
        try:
            for name in ("work", "home", "scratch", "shown"):
                (self.base / name).mkdir()
            self.root, self.home = self.base / "work", self.base / "home"
            self.scratch, self.shown = self.base / "scratch", self.base / "shown"
            kept = self._checkout()
            for source in self._inputs:
                self._place(source, committed=kept)
            self._make_room()
            self._before = frozenset(_files(self.root))
        except BaseException:
            _remove(self.base)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        _remove(self.base)

    def made(self, path: str) -> Made:
        """The declared output ``path``, if the command created it inside the workspace.

        A link counts only when it stays inside and leads to something that the command created, too.
        """
        place = self.root / _inside(path)
        try:
            real = place.resolve(strict=True)
        except (OSError, RuntimeError):
            gone = "is a dangling link" if place.is_symlink() else "was not written"
            return Made(reason=f"{path} {gone}")
        if not real.is_relative_to(self.root):
            return Made(reason=f"{path} is a link that leaves the workspace", refused=True)
        relative = real.relative_to(self.root).as_posix()
        kind = stat.S_IFMT(real.stat().st_mode)
        if kind not in {stat.S_IFREG, stat.S_IFDIR}:
            return Made(reason=f"{path} is neither a file nor a folder", refused=True)
        if relative in self._before or any(known.startswith(f"{relative}/") for known in self._before):
            return Made(reason=f"{path} was there before the command started")
        return Made(path=real)

    def _checkout(self) -> frozenset[str]:
        # 1. What the commit holds, and what of it the command may see.
        listing = plumbing.git(self._repository.root, "ls-tree", "-r", "-t", "-z", "--full-tree", self._commit)
        objects, kept, removed = [self._commit, f"{self._commit}^{{tree}}"], [], []
        for line in listing.split(b"\0"):
            about, _, raw = line.partition(b"\t")
            if not raw:
                continue
            mode, kind, sha = about.decode().split()
            path = os.fsdecode(raw)
            if kind == "tree":
                objects.append(sha)
            elif self._is_hidden(path, is_link=mode == "120000"):
                removed.append(raw)
            else:
                kept.append(raw)
                objects += [sha] if kind == "blob" else []
        # 2. A repository of our own with exactly these objects.
        commit = plumbing.git(self._repository.root, "rev-parse", "--verify", f"{self._commit}^{{commit}}").decode().strip()
        kind = "sha256" if len(commit) == 64 else "sha1"
        plumbing.git(
            self.base, "init", "-q", "--template=", "--initial-branch=main", f"--object-format={kind}", str(self.root)
        )
        private = self.root / ".git"
        (private / "info").mkdir(exist_ok=True)
        (private / "info" / "attributes").write_text(_ATTRIBUTES, encoding="ascii")
        (private / "shallow").write_text(f"{commit}\n", encoding="ascii")
        plumbing.transfer(self._repository.root, self.root, objects)
        (private / "refs" / "heads" / "main").write_text(f"{commit}\n", encoding="ascii")
        # 3. The index knows the removed files but does not miss them: `git status` stays clean.
        plumbing.git(self.root, "read-tree", "HEAD")
        if removed:
            plumbing.git(self.root, "update-index", "-z", "--skip-worktree", "--stdin", stdin=b"\0".join(removed) + b"\0")
        if kept:
            plumbing.git(self.root, "checkout-index", "-q", "-u", "-z", "--stdin", stdin=b"\0".join(kept) + b"\0")
        return frozenset(os.fsdecode(raw) for raw in kept)

    def _is_hidden(self, path: str, *, is_link: bool) -> bool:
        if any(path == output or path.startswith(f"{output}/") for output in self._outputs):
            return True
        # A committed link in the place of an output's folder would lead the command's writes elsewhere.
        if is_link and any(output.startswith(f"{path}/") for output in self._outputs):
            return True
        return globs.matches(path, self._hidden)

    def _place(self, source: DataSource, *, committed: frozenset[str]) -> None:
        seen = source.mount or source.path
        if seen is None:
            self._absent(source, source.uri or source.name)
            return
        if seen.startswith("/") and PurePosixPath(seen).parts[1] in _SYSTEM:
            self.missing.append(f"{seen} (an input cannot be mounted over the system)")
            return
        target = self.root / _inside(seen) if not seen.startswith("/") else self.shown / f"mount-{len(self.mounts)}"
        if seen in committed and _is_content(target):
            found = digest.of_file(target)[0]
            if source.digest not in {None, found}:
                self.notes.append(f"{seen}: the commit holds {found[:19]}…, the run recorded {str(source.digest)[:19]}…")
        elif seen == source.path and any(name.startswith(f"{seen}/") for name in committed):
            return  # a committed folder: its files are there already
        elif not self._bring(source, target):
            self._absent(source, seen)
            return
        if seen.startswith("/"):
            self.mounts.append((target, seen))
        else:
            self.sealed.append(target)

    def _bring(self, source: DataSource, target: Path) -> bool:
        found = self._fetch(source) if self._fetch else None
        if found is None:
            return False
        if not target.parent.resolve().is_relative_to(self.base):
            return False
        if target.is_symlink() or target.is_file():
            target.unlink()
        target.parent.mkdir(parents=True, exist_ok=True)
        if found.is_dir():
            shutil.copytree(found, target, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copyfile(found, target)
            target.chmod(0o444)
        return True

    def _absent(self, source: DataSource, seen: str) -> None:
        self.missing.append(f"{seen} ({source.digest or 'no digest recorded'})")

    def _make_room(self) -> None:
        """Folders of the outputs exist, as they did when the run was recorded: git does not keep empty ones."""
        for output in self._outputs:
            parent = (self.root / output).parent
            if parent.resolve().is_relative_to(self.root):
                parent.mkdir(parents=True, exist_ok=True)


def _inside(path: str) -> str:
    """``path`` in normal form.

    Raises:
        GitError: the path is absolute or leaves the repository.
    """
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts or ".git" in pure.parts:
        raise GitError(f"{path!r} is no path inside the repository")
    return pure.as_posix()


def _is_content(path: Path) -> bool:
    """Whether a checked-out file holds its own bytes: a link or an LFS pointer only names them."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as stream:
        return not stream.read(len(_LFS)).startswith(_LFS)


def _files(root: Path) -> list[str]:
    found = []
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if name != ".git" or Path(folder) != root]
        links = [name for name in names if (Path(folder) / name).is_symlink()]
        found += [(Path(folder) / name).relative_to(root).as_posix() for name in (*files, *links)]
    return found


def _temporary(repository: Path) -> Path:
    made = Path(tempfile.mkdtemp(prefix="auditor-")).resolve()
    if made.is_relative_to(repository.resolve()):
        made.rmdir()
        made = Path(tempfile.mkdtemp(prefix="auditor-", dir="/tmp")).resolve()
    return made


def _remove(base: Path) -> None:
    shutil.rmtree(base, ignore_errors=True)
    if not base.exists():
        return
    # The command may have taken its owner the right to delete: give it back, then try once more.
    for folder, _, _ in os.walk(base):
        Path(folder).chmod(0o700)
        for name in os.listdir(folder):  # noqa: PTH208  (names only, of folders that may just have become readable)
            place = Path(folder, name)
            if place.is_dir() and not place.is_symlink():
                place.chmod(0o700)
    shutil.rmtree(base)
