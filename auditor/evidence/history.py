"""What git can say about a run's code claim: whether a reachable commit has the tree that was recorded.

Code is identified by its tree. The recorded commit may have been squashed or rebased away; the claim still holds when
a reachable commit has the same tree, or the same bytes at every path that the run read.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from auditor import digest
from auditor.errors import AuditorError
from auditor.evidence.content import pointer
from auditor.evidence.unanswered import Inconclusive
from auditor.git import Repository
from auditor.model.run import Run

_LINK_LIMIT = 4096
"""The content of a link is the path that it leads to, and no path is longer, in bytes."""
_MOST_LINKS = 8


@dataclass(frozen=True)
class Today:
    """What can be reached from ``heads``, found out once for all runs of the past."""

    repository: Repository
    heads: tuple[str, ...]

    @cached_property
    def trees(self) -> dict[str, str]:
        """Every tree of a reachable commit, with the newest commit that has it."""
        trees: dict[str, str] = {}
        for line in self.repository.run("log", "--format=%T %H", *self.heads).decode().splitlines():
            tree, commit = line.split()
            trees.setdefault(tree, commit)
        return trees

    @cached_property
    def commits(self) -> frozenset[str]:
        """Every reachable commit."""
        return frozenset(self.repository.run("rev-list", *self.heads).decode().split())


@dataclass(frozen=True)
class History:
    """The repository's history as seen from ``head``, the judged commit.

    ``today`` is given where an old commit is judged: what can be reached is then seen from there, and the code that the run
    read from ``head``, as ever. Many of them share what they have in common.
    """

    repository: Repository
    head: str
    today: Today | None = None
    _digests: dict[tuple[str, str], str | None] = field(default_factory=dict, repr=False)

    @cached_property
    def _trees(self) -> dict[str, str]:
        """Every tree of a commit that ``head`` reaches, with the newest commit that has it."""
        if self.today is not None:
            return self.today.trees
        trees: dict[str, str] = {}
        for line in self.repository.run("log", "--format=%T %H", self.head).decode().splitlines():
            tree, commit = line.split()
            trees.setdefault(tree, commit)
        return trees

    @property
    def tip(self) -> str:
        """The commit that holds the other runs of today."""
        return self.today.heads[0] if self.today is not None else self.head

    def has(self, commit: str) -> bool:
        """Whether the object database holds ``commit``."""
        if self.today is not None and commit in self.today.commits:
            return True
        return self.repository.tree(commit) is not None

    def reaches(self, commit: str) -> bool:
        """Whether ``head`` reaches ``commit``, or a keep reference protects it or something that was made from it."""
        if self.today is not None and commit in self.today.commits:
            return True
        if self.repository.tree(commit) is None:
            return False
        if self.today is None and self.repository.is_ancestor(commit, self.head):
            return True
        if self.repository.commit(f"refs/auditor/keep/{commit}") == commit:
            return True
        return bool(self.repository.run("for-each-ref", "--count=1", f"--contains={commit}", "refs/auditor/keep").strip())

    def commit_with_tree(self, tree: str) -> str | None:
        """The newest reachable commit that has exactly this tree."""
        return self._trees.get(tree)

    def same_reads(self, run: Run) -> list[str]:
        """The recorded reads that ``head`` does not hold with the same bytes; declared data may be absent from it.

        Raises:
            Inconclusive: none of the recorded reads, or none at all, can be compared.
        """
        reads = run.observed.reads if run.observed is not None else ()
        elsewhere = tuple(f"{data.path.rstrip('/')}/" for data in run.data if data.path)
        found = ((read, self.digest_at(self.head, read.path)) for read in reads)
        compared = [(r, actual) for r, actual in found if actual is not None or not f"{r.path}/".startswith(elsewhere)]
        if not compared:
            raise Inconclusive("the run recorded no observed reads to compare the code by")
        return [read.path for read, actual in compared if actual is None or actual != read.digest]

    def digest_at(self, commit: str, path: str) -> str | None:
        """Digest of the file at ``path`` in ``commit``, or None when no file is there."""
        if (commit, path) not in self._digests:
            content = self.repository.read(commit, path)
            self._digests[commit, path] = None if content is None else digest.of_bytes(content)
        return self._digests[commit, path]

    def content_digest(self, commit: str, path: str, *, links: int = _MOST_LINKS) -> str | None:
        """Like :meth:`digest_at`, but of what a link or a Git LFS pointer at ``path`` stands for."""
        content = self.repository.read(commit, path)
        entry = self.repository.entry(commit, path) if content is not None and len(content) <= _LINK_LIMIT else None
        if entry is not None and entry.is_link:
            leads = posixpath.join(posixpath.dirname(path), (content or b"").decode(errors="surrogateescape"))
            return self.content_digest(commit, posixpath.normpath(leads), links=links - 1) if links else None
        found = pointer(content) if content is not None else None
        return self.digest_at(commit, path) if found is None else f"sha256:{found.oid}"

    def patched(self, commit: str, patch: bytes) -> dict[str, str | None]:
        """What each file that ``patch`` touches hashes to when it is applied to ``commit``, None for one that it removes.

        Raises:
            Inconclusive: it does not apply.
        """
        from auditor.reproduce.patch import patched_digests  # noqa: PLC0415  (only a run from a dirty tree needs it)

        try:
            return patched_digests(self.repository.root, commit, patch)
        except AuditorError as error:
            raise Inconclusive(error.message) from None

    def source(self, run: Run) -> str | None:
        """The commit whose files stand for the run's code: recorded, same tree, or ``head`` with the same reads."""
        code = run.code
        if code is None:
            return None
        if code.commit and self._holds(code.commit, code.tree):
            return code.commit
        if code.tree and (same := self.commit_with_tree(code.tree)):
            return same
        try:
            return self.head if not self.same_reads(run) else None
        except Inconclusive:
            return None

    def _holds(self, commit: str, tree: str | None) -> bool:
        if self.today is not None and tree is not None and self.today.trees.get(tree) == commit:
            return True
        actual = self.repository.tree(commit)
        return actual is not None and tree in {None, actual}

    def authored(self, commit: str) -> datetime:
        """The author date of ``commit``, in UTC. Author dates survive a rebase, commit dates do not.

        Raises:
            Inconclusive: the commit is not here.
        """
        found = self.repository.commit(commit)
        if found is None:
            raise Inconclusive(f"commit {commit[:12]} is not in this clone")
        seconds = self.repository.author_time(found)
        try:
            if seconds is not None:
                return datetime.fromtimestamp(seconds, tz=UTC)
        except (ValueError, OverflowError, OSError):
            seconds = None
        raise Inconclusive(f"commit {commit[:12]} has an author date that is no time") from None
