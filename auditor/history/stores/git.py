"""Every manifest version that git ever merged, read without checking anything out, and what differs in the working tree."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

from auditor.gate.refs import default_branch
from auditor.git import GitError, Repository
from auditor.globs import matches
from auditor.history.found import Listing, ListingError, UnreadError, Version
from auditor.history.stores.folder import mark_of, regular_bytes

_RECORD = b"\x01"
"""Begins each commit in the log; git's own fields hold no such byte before the paths."""


def heads(repository: Repository) -> tuple[str, ...]:
    """The commits that history is seen from: HEAD and the tip of the default branch, without repetition.

    What a branch brings has no commit on the default branch yet, and an old checkout does not have what was merged since.
    """
    named = (repository.commit("HEAD"), repository.commit(default_branch(repository) or "HEAD"))
    return tuple(dict.fromkeys(commit for commit in named if commit is not None))


class GitStore:
    """The history of a repository as seen from :func:`heads`, side branches and merges included.

    ``inside`` is empty, or a folder of the repository with a slash at its end.
    """

    def __init__(self, root: Path, patterns: tuple[str, ...], inside: str = "") -> None:
        self.root = root
        self._patterns = patterns
        self._inside = inside
        self._opened: Repository | None = None

    @property
    def name(self) -> str:
        """Always the same: there is one repository."""
        return "git"

    @cached_property
    def _heads(self) -> tuple[str, ...]:
        return heads(self._repository)

    @property
    def _repository(self) -> Repository:
        if self._opened is None:
            self._opened = Repository(self.root)
        return self._opened

    def __getstate__(self) -> dict[str, object]:
        """Without the process that reads objects: each has its own."""
        return {**{k: v for k, v in self.__dict__.items() if k != "_heads"}, "_opened": None}

    def since(self, state: str | None) -> Listing:
        """Only what is new, as long as everything seen before is still reachable: a rewritten history is listed anew."""
        seen = state.split() if state else []
        reached = all(any(self._repository.is_ancestor(old, new) for new in self._heads) for old in seen)
        return Listing(state=" ".join(self._heads), complete=not seen or not reached)

    def versions(self, state: str | None) -> Iterator[Version]:
        """Each blob once per path, with the oldest commit that brought it."""
        seen = [] if self.since(state).complete or state is None else [f"^{commit}" for commit in state.split()]
        known: set[bytes] = set()
        for commit, at, blob, path in self._log(seen):
            if not path.startswith(self._inside) or not matches(path, self._patterns):
                continue
            # Of a million versions each costs 16 bytes and their place in a set, not its whole path.
            key = blake2b(f"{blob} {path}".encode(errors="surrogateescape"), digest_size=16).digest()
            if key not in known:
                known.add(key)
                yield Version(store=self.name, path=path, mark=blob, commit=commit, at=at)

    def read(self, version: Version) -> bytes:
        """The blob's bytes."""
        content = self._repository.read_object(version.mark)
        if content is None:
            raise UnreadError("the blob is not in this clone (it is partial, or damaged)")
        return content

    def close(self) -> None:
        """End the reading process."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _log(self, excluded: list[str]) -> Iterator[tuple[str, int, str, str]]:
        """Commit, commit time, blob and path of everything that any commit brought, the oldest first.

        Merges are compared with all their parents at once, so that only what they brought themselves is listed.
        """
        arguments = ("log", "--reverse", "--raw", "-z", "-c", "--no-abbrev", "--no-renames", "--no-ext-diff", "--root")
        ends = ("--format=%x01%H %ct", *self._heads, *excluded, "--", *_pathspecs(self._patterns))
        with self._repository.stream(*arguments, *ends) as stream:
            commit, at = "", 0
            fields = _fields(stream)
            for field in fields:
                if field.startswith(_RECORD):
                    named, _, time = field[1:].partition(b" ")
                    commit, at = named.decode(), int(time)
                elif field.startswith(b":"):
                    path = next(fields, b"").decode(errors="surrogateescape")
                    blob, regular = _brought(field)
                    if regular:
                        yield commit, at, blob, path


def _pathspecs(patterns: tuple[str, ...]) -> list[str]:
    """What lets git look at less: the folders that patterns begin with."""
    fixed = []
    for pattern in patterns:
        parts = pattern.split("/")[:-1]
        clear = parts[: next((n for n, part in enumerate(parts) if any(sign in part for sign in "*?[")), len(parts))]
        fixed.append("/".join(clear))
    return [f":(top,literal){folder}" for folder in fixed] if all(fixed) else []


def _brought(field: bytes) -> tuple[str, bool]:
    """The resulting blob of one raw line (``:mode... sha... status``), and whether it is a regular file that is there."""
    parents = len(field) - len(field.lstrip(b":"))
    words = field[parents:].split(b" ")
    mode, blob = words[parents], words[2 * parents + 1].decode()
    return blob, mode in {b"100644", b"100755"} and blob.strip("0") != ""


def _fields(stream: Iterator[bytes]) -> Iterator[bytes]:
    """The fields of ``-z`` output, each without the newline that git puts between a commit and its files."""
    rest = b""
    for block in stream:
        *whole, rest = (rest + block).split(b"\0")
        yield from (field.lstrip(b"\n") for field in whole if field.strip(b"\n"))
    if rest.strip(b"\n"):
        yield rest.lstrip(b"\n")


class WorkTreeStore:
    """The manifests of the working tree that are not what the last commit holds."""

    def __init__(self, root: Path, patterns: tuple[str, ...], inside: str = "") -> None:
        self.root = root
        self._patterns = patterns
        self._inside = inside

    @property
    def name(self) -> str:
        """Always the same: there is one working tree."""
        return "working tree"

    def since(self, state: str | None) -> Listing:  # noqa: ARG002  (git tells what differs now)
        """Always all of it."""
        return Listing()

    def versions(self, state: str | None) -> Iterator[Version]:  # noqa: ARG002  (the same)
        """Changed and untracked manifests."""
        with Repository(self.root) as repository:
            try:
                answer = repository.run("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames")
            except GitError as error:
                raise ListingError(error.message) from None
        for line in answer.split(b"\0"):
            path = line[3:].decode(errors="surrogateescape")
            if path.startswith(self._inside) and path and matches(path, self._patterns) and line[1:2] != b"D":
                yield self._version(path)

    def read(self, version: Version) -> bytes:
        """The file's bytes."""
        return regular_bytes(self.root / version.path)

    def close(self) -> None:
        """Nothing is kept open."""

    def _version(self, path: str) -> Version:
        try:
            status = (self.root / path).lstat()
        except OSError:
            return Version(store=self.name, path=path, mark="gone")
        return Version(store=self.name, path=path, mark=mark_of(status), at=int(status.st_mtime))
