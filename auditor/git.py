"""Reads a git repository through ``git`` itself, with nothing of the repository's own configuration able to run code.

Paths are POSIX strings relative to the repository root; bytes that are not UTF-8 survive as surrogate escapes.
"""

from __future__ import annotations

import os
import posixpath
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from auditor.errors import AuditorError, UsageError
from auditor.memory import Memory

_ID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")

_HARMLESS = (
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false"),
    *("-c", "log.showSignature=false"),  # `log` and `show` would start gpg.program for a signed commit
)
"""Settings that keep a hostile ``.git/config`` from starting programs in the commands used here."""


_LONGEST_NAME = 1 << 16
_BLOCK = 1 << 16
_MOST_LISTED = 4
_FOLDER = "040000"
_LARGEST_TREE = 1 << 16
_KEPT_TREES = 1 << 22
_KEPT_BLOBS = 1 << 24
"""Commits whose lists of files are kept."""


class GitError(AuditorError):
    """A git command failed where it was not expected to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a tree. ``size`` is in bytes, None for a submodule and for bytes that are not in this clone."""

    path: str
    mode: str
    kind: str
    sha: str
    size: int | None

    @property
    def is_link(self) -> bool:
        """Whether the entry is a symbolic link."""
        return self.mode == "120000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One changed path between two commits. ``status`` is git's letter; ``former`` is the path before a rename."""

    status: str
    path: str
    former: str | None = None


def environment() -> dict[str, str]:
    """The environment for git: the caller's, without prompts, locks, translations or a foreign repository.

    Objects that a partial clone left out are not fetched on the way: a remote's address and its helper are configuration,
    and configuration can name any program.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k in {"GIT_SSH", "GIT_SSH_COMMAND"}}
    return kept | {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}


class Repository:
    """A git repository on this machine. Reading one object costs no process: a ``cat-file`` is kept open.

    Close it, or use it as a context manager, to end that process.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._reader: subprocess.Popen[bytes] | None = None
        self._listed: dict[str, dict[str, Entry]] = {}
        # Objects never change under their ids, and consecutive commits have nearly all of them in common.
        self._roots: Memory[str, str] = Memory(10_000)
        self._folders: Memory[str, dict[str, tuple[str, str]]] = Memory(_KEPT_TREES)
        self._blobs: Memory[str, bytes] = Memory(_KEPT_BLOBS)
        self._sizes: Memory[str, int] = Memory(100_000)

    @classmethod
    def discover(cls, start: Path) -> Repository:
        """The repository whose work tree holds ``start``, or the bare one that ``start`` is.

        Raises:
            UsageError: ``start`` is in no git repository, or git refuses to read it.
        """
        if not start.is_dir():
            raise UsageError(f"{start}: no such directory")
        answer = _git(start, "rev-parse", "--show-toplevel")
        if answer.returncode and _git(start, "rev-parse", "--is-bare-repository").stdout == b"true\n":
            return cls(Path(_text(_git(start, "rev-parse", "--absolute-git-dir").stdout).removesuffix("\n")))
        if answer.returncode:
            words = _text(answer.stderr).strip()
            if "dubious ownership" in words:
                raise UsageError(
                    f"git does not trust {start}: it belongs to another user",
                    hint=f"git config --global --add safe.directory {start}",
                )
            raise UsageError(f"{start} is not inside a git work tree", hint="run `git init` and commit first")
        return cls(Path(_text(answer.stdout).removesuffix("\n")))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the reading process."""
        if self._reader is not None:
            assert self._reader.stdin is not None  # noqa: S101  (opened with PIPE)
            assert self._reader.stdout is not None  # noqa: S101
            self._reader.stdin.close()
            self._reader.stdout.close()
            self._reader.wait()
            self._reader = None

    def run(self, *arguments: str, stdin: bytes | None = None) -> bytes:
        """Standard output of ``git ARGUMENTS``.

        Raises:
            GitError: git failed; the message holds its words.
        """
        answer = _git(self.root, *arguments, stdin=stdin)
        if answer.returncode:
            raise GitError(f"git {arguments[0]} failed in {self.root}: {_text(answer.stderr).strip()}")
        return answer.stdout

    @contextmanager
    def stream(self, *arguments: str) -> Iterator[Iterator[bytes]]:
        """Standard output of ``git ARGUMENTS`` in blocks, while git is still at work.

        Raises:
            GitError: git failed, which is known only once everything was read.
        """
        try:
            process = subprocess.Popen(
                ["git", *_HARMLESS, *arguments],
                cwd=self.root,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except FileNotFoundError:
            raise _no_git() from None
        answer = process.stdout
        assert answer is not None  # noqa: S101  (opened with PIPE)
        whole = False
        try:
            yield iter(lambda: answer.read(_BLOCK), b"")
            whole = not answer.read(1)
        finally:
            answer.close()  # whoever read enough ends git by that
            failed = process.wait()
        if failed and whole:
            raise GitError(f"git {arguments[0]} failed in {self.root}", hint="git fsck tells what is damaged")

    def ask(self, *arguments: str) -> str | None:
        """Standard output of ``git ARGUMENTS``, stripped, or None when git says no."""
        answer = _git(self.root, *arguments)
        return _text(answer.stdout).strip() if answer.returncode == 0 else None

    @cached_property
    def common_dir(self) -> Path:
        """The directory shared by all work trees, where caches and the ledger may live."""
        return Path(self.root, _text(self.run("rev-parse", "--git-common-dir")).removesuffix("\n")).resolve()

    @cached_property
    def is_shallow(self) -> bool:
        """Whether history was cut off by a shallow clone."""
        return self.ask("rev-parse", "--is-shallow-repository") == "true"

    @cached_property
    def is_bare(self) -> bool:
        """Whether there is no work tree; then :attr:`root` is git's own folder, and no place to look for files."""
        return self.ask("rev-parse", "--is-bare-repository") == "true"

    def complete(self, *commits: str) -> None:
        """Fetch ``commits`` and all of history from ``origin``, where this clone lacks any of it; it may fail to.

        For clones that a machine made for one job: nobody's own clone is changed behind their back.
        """
        shallow = self.is_shallow
        if not shallow and all(self.commit(commit) is not None for commit in commits):
            return
        options = ("--quiet", "--no-tags", "--no-recurse-submodules", *(("--unshallow",) if shallow else ()))
        self.ask("-c", "protocol.ext.allow=never", "fetch", *options, "--", "origin", *commits)
        self.close()  # what the reading process did not find it would go on not finding
        self.__dict__.pop("is_shallow", None)

    def commit(self, ref: str) -> str | None:
        """The full id of the commit that ``ref`` names, or None."""
        return self._resolved(ref, "commit")

    def tree(self, commit: str) -> str | None:
        """The id of the tree of ``commit``, or None when the commit is not here."""
        return self._resolved(commit, "tree")

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor of two commits, or None."""
        return self.ask("merge-base", one, other) or None

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """Whether ``descendant`` can reach ``ancestor``."""
        return self.ask("merge-base", "--is-ancestor", ancestor, descendant) is not None

    def changes(self, base: str, head: str) -> list[Change]:
        """The paths that differ between two commits, renames of identical content followed."""
        fields = self.run("diff-tree", "-r", "-z", "--no-ext-diff", "--find-renames=100%", base, head).split(b"\0")
        changes = []
        rest = iter(fields)
        for field in rest:
            if not field:
                continue
            letter = _text(field).rsplit(" ", 1)[-1][:1]
            path = _text(next(rest))
            if letter in {"R", "C"}:
                changes.append(Change(status=letter, path=_text(next(rest)), former=path))
            else:
                changes.append(Change(status=letter, path=path))
        return changes

    def entries(self, commit: str) -> dict[str, Entry]:
        """Every file, link and submodule in the tree of ``commit``, by path; shared, not to be changed."""
        key = commit if _ID.fullmatch(commit) else None
        if key is not None and key in self._listed:
            return self._listed[key]
        found = {}
        for line in self.run("ls-tree", "-r", "-z", "--long", "--full-tree", commit).split(b"\0"):
            if not line:
                continue
            about, _, path = line.partition(b"\t")
            mode, kind, sha, size = _text(about).split()
            name = _text(path)
            found[name] = Entry(path=name, mode=mode, kind=kind, sha=sha, size=int(size) if size.isdecimal() else None)
        if key is not None:
            # Runs that are audited one after the other often have one commit in common.
            while len(self._listed) >= _MOST_LISTED:
                del self._listed[next(iter(self._listed))]
            self._listed[key] = found
        return found

    def author_time(self, commit: str) -> int | None:
        """When ``commit`` was written, in seconds since the epoch; None when it is not here, or gives no time."""
        answer = self._ask_object(commit, content=True)
        header = answer[3].partition(b"\n\n")[0] if answer is not None and answer[1] == "commit" else b""
        line = next((line for line in header.split(b"\n") if line.startswith(b"author ")), b"")
        seconds = line.rpartition(b"> ")[2].split(b" ")[0]
        return int(seconds) if seconds.removeprefix(b"-").isdigit() else None

    def entry(self, commit: str, path: str) -> Entry | None:
        """The entry at ``path`` in ``commit``, or None."""
        if _leaves(path):
            return None
        if (walked := self._walk(commit, path)) is not None:
            mode, sha = walked
            size = self._size(sha) if mode else None
            return None if size is None else Entry(path=path, mode=mode, kind=_kind(mode), sha=sha, size=size)
        answer = self._ask_object(f"{commit}:{path}", content=False)
        if answer is None:
            return None
        sha, kind, size, _ = answer
        mode = self._modes(commit, posixpath.dirname(path)).get(posixpath.basename(path), "100644")
        return Entry(path=path, mode=mode, kind=kind, sha=sha, size=size)

    def _modes(self, commit: str, folder: str) -> dict[str, str]:
        """The modes of all that lies in one folder of ``commit``, by name, read from the tree object itself."""
        answer = self._ask_object(f"{commit}:{folder}", content=True)
        if answer is None or answer[1] != "tree":
            return {}
        return {name: mode for name, (mode, _) in _listing(answer[3], len(answer[0]) // 2).items()}

    def read(self, commit: str, path: str) -> bytes | None:
        """The bytes of the file at ``path`` in ``commit``, or None when no file is there."""
        if _leaves(path):
            return None
        if (walked := self._walk(commit, path)) is not None:
            mode, sha = walked
            return self.read_object(sha) if mode and _kind(mode) == "blob" else None
        return self.read_object(f"{commit}:{path}")

    def read_object(self, name: str) -> bytes | None:
        """The bytes of the blob called ``name`` (an id, or ``commit:path``), or None."""
        if (kept := self._blobs.get(name)) is not None:
            return kept
        answer = self._ask_object(name, content=True)
        if answer is None or answer[1] != "blob":
            return None
        return self._blobs.put(name, answer[3], len(answer[3])) if _ID.fullmatch(name) else answer[3]

    def _walk(self, commit: str, path: str) -> tuple[str, str] | None:
        """Mode and id of what lies at ``path``, both "" where nothing does, found through tree objects that are kept.

        None where git itself has to be asked: a commit that is no full id, an odd path, a folder too large to be kept.
        """
        parts = path.split("/")
        if not _ID.fullmatch(commit) or not _speakable(path) or not all(parts) or "." in parts:
            return None
        root = self._roots.get(commit)
        if root is None:
            found = self.tree(commit)
            if found is None:
                return "", ""
            root = self._roots.put(commit, found, 1)
        mode, sha = _FOLDER, root
        for part in parts:
            if mode != _FOLDER:
                return "", ""
            folder = self._folder(sha)
            if folder is None:
                return None
            mode, sha = folder.get(part, ("", ""))
        return mode, sha

    def _folder(self, sha: str) -> dict[str, tuple[str, str]] | None:
        """Modes and ids of what lies in one folder, by name; None where it is too large to be worth reading."""
        kept = self._folders.get(sha)
        if kept is not None:
            return kept
        size = self._size(sha)
        if size is None or size > _LARGEST_TREE:
            return None
        answer = self._ask_object(sha, content=True)
        if answer is None or answer[1] != "tree":
            return None
        return self._folders.put(sha, _listing(answer[3], len(sha) // 2), size)

    def _size(self, sha: str) -> int | None:
        """How large an object is, in bytes; None where it is not here."""
        size = self._sizes.get(sha)
        if size is None and (answer := self._ask_object(sha, content=False)) is not None:
            size = self._sizes.put(sha, answer[2], 1)
        return size

    def _resolved(self, name: str, kind: str) -> str | None:
        if not _speakable(name):
            return None
        if _ID.fullmatch(name):  # an object's own id means the same to the open reader, which costs no process
            found = self._ask_object(f"{name}^{{{kind}}}", content=False)
            return found[0] if found is not None and found[1] == kind else None
        answer = self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{{kind}}}")
        # `^HEAD` and the like are no names: git answers them with an exclusion.
        return answer if answer and _ID.fullmatch(answer) else None

    def _ask_object(self, name: str, *, content: bool) -> tuple[str, str, int, bytes] | None:
        if not _speakable(name):
            return None
        # 1. The batch protocol ends a request at a newline, and drops a carriage return before it: such names take
        #    processes of their own.
        if "\n" in name or name.endswith("\r"):
            sha = self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", name)
            answer = _git(self.root, "cat-file", "blob", sha) if sha else None
            return (sha, "blob", len(answer.stdout), answer.stdout) if sha and answer and answer.returncode == 0 else None
        # 2. All others share one.
        reader = self._cat_file()
        command = "contents" if content else "info"
        assert reader.stdin is not None  # noqa: S101  (opened with PIPE)
        assert reader.stdout is not None  # noqa: S101
        reader.stdin.write(f"{command} {name}\n".encode(errors="surrogateescape"))
        reader.stdin.flush()
        answered = reader.stdout.readline()
        if not answered:
            self.close()
            raise GitError(f"git cat-file ended without an answer about {name!r}", hint="git fsck tells what is damaged")
        header = _text(answered).split(" ")
        if len(header) < 3 or header[-1].strip() in {"missing", "ambiguous"}:
            return None
        sha, kind, size = header[0], header[1], int(header[2])
        return sha, kind, size, _exactly(reader.stdout, size) if content else b""

    def _cat_file(self) -> subprocess.Popen[bytes]:
        if self._reader is None:
            try:
                self._reader = subprocess.Popen(
                    ["git", *_HARMLESS, "cat-file", "--batch-command"],
                    cwd=self.root,
                    env=environment(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            except FileNotFoundError:
                raise _no_git() from None
        return self._reader


def _exactly(stream: IO[bytes], size: int) -> bytes:
    content = stream.read(size)
    stream.read(1)  # the protocol's closing newline
    if len(content) != size:
        raise GitError(f"git cat-file ended after {len(content)} of {size} bytes")
    return content


def _git(where: Path, *arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", *_HARMLESS, *arguments],
            cwd=where,
            env=environment(),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise _no_git() from None


def _no_git() -> UsageError:
    return UsageError("git is not installed", hint="install git 2.36 or newer")


def _listing(content: bytes, length: int) -> dict[str, tuple[str, str]]:
    """Modes and ids in a tree object, by name; ``length`` is that of an id in bytes."""
    at, found = 0, {}
    while at < len(content):
        end = content.index(b"\0", at)
        mode, _, name = content[at:end].partition(b" ")
        found[_text(name)] = _text(mode).rjust(6, "0"), content[end + 1 : end + 1 + length].hex()
        at = end + 1 + length
    return found


def _kind(mode: str) -> str:
    return {_FOLDER: "tree", "160000": "commit"}.get(mode, "blob")


def _leaves(path: str) -> bool:
    """Whether git would give up on ``path`` altogether, instead of saying that it is not there."""
    return ".." in path.split("/")


def _speakable(name: str) -> bool:
    """Whether ``name`` can be handed to git at all: no option, no NUL byte, no text that has no bytes, no mere flood."""
    try:
        return not name.startswith("-") and "\0" not in name and len(name.encode(errors="surrogateescape")) < _LONGEST_NAME
    except UnicodeEncodeError:
        return False


def _text(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")
