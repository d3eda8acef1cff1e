"""Finds the bytes behind a claim, by digest: in the judged tree, as a Git LFS object, in the working tree, in a store.

The claims are a manifest's data sets, artifacts, locks and configuration files. What is found is re-hashed here; a digest
in a manifest is never believed.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from auditor import digest
from auditor.evidence.content import POINTER_LIMIT, other_endings, pointer
from auditor.evidence.located import LFS_POINTER, Claim, Located
from auditor.evidence.stored import Stored
from auditor.evidence.unanswered import Inconclusive
from auditor.git import Repository
from auditor.model.words import EvidenceLevel
from auditor.store.hashing import Hashing
from auditor.store.stores import Stores

if TYPE_CHECKING:
    from auditor.room import Room

_LINK_LIMIT = 4096
_MOST_LINKS = 8
_TEXT_LIMIT = 64 << 20
"""Line endings of larger files are not looked into: what is said about them is a hint, not a decision."""


@dataclass
class ClaimedBytes:
    """Looks up the bytes of claims for one audit, each only once.

    ``commit`` is the judged commit; None means that the working tree itself is judged. ``stores`` are those of a trusted
    policy. ``hashing`` reads files of the working tree. ``expected`` are the claims that will be asked for.
    """

    root: Path
    repository: Repository | None
    commit: str | None
    scratch: Callable[[], Path]
    stores: Stores = field(default_factory=lambda: Stores({}))
    hashing: Hashing = field(default_factory=Hashing)
    expected: Sequence[Claim] = ()
    _found: dict[str, Located | None] = field(default_factory=dict)
    _apart: dict[tuple[str | None, ...], Located | None] = field(default_factory=dict)

    def locate(self, claim: Claim) -> Located:
        """The bytes behind ``claim``.

        Raises:
            Inconclusive: they are in none of the places known.
        """
        path = claim.path
        if path is not None and path not in self._found:
            self._found[path] = self._look(path, claim.digest)
        found = self._found[path] if path is not None else None
        found = found or self._outside(claim)
        if found is not None:
            return found
        if path is None:
            raise Inconclusive(f"the bytes have no path in the repository, and {self._stored.why_not()}")
        elsewhere = f"; {self._stored.why_not()}" if self.stores.names else ""
        raise Inconclusive(f"{path} is neither in the judged commit nor in the working tree{elsewhere}")

    def file(self, claim: Claim) -> Path:
        """A regular file with the bytes behind ``claim``, which have the declared digest.

        Raises:
            Inconclusive: the bytes cannot be read here, or are other bytes than the manifest says.
        """
        found = self.locate(claim)
        if claim.digest is not None and found.digest != claim.digest:
            raise Inconclusive(f"{found.path} does not have the declared digest, so nothing is computed from it")
        if found.file is None and found.level is EvidenceLevel.CONSISTENT:
            found = replace(found, file=self._stored.file(claim))
        if found.file is None and found.where == LFS_POINTER:
            raise Inconclusive(f"{claim.path} is a Git LFS pointer; its object is not here (git lfs pull)")
        if found.file is None and found.level is EvidenceLevel.CONSISTENT:
            raise Inconclusive(f"{found.path} cannot be read: {self._stored.why_not()}")
        if found.file is None:
            raise Inconclusive(f"{claim.path} is a directory, not a file")
        return self._with_suffix(found)

    def folder(self, claim: Claim) -> Path:
        """A folder whose files are those behind ``claim``, which have the declared digest (``format: tree``).

        Raises:
            Inconclusive: it cannot be read here, or holds other files than the manifest says.
        """
        found = self.locate(claim)
        if found.digest != claim.digest:
            raise Inconclusive(f"{found.path} does not have the declared digest, so nothing is computed from it")
        if found.folder is None:
            raise Inconclusive(f"{found.path} is not a folder of this machine")
        return found.folder

    @cached_property
    def _stored(self) -> Stored:
        return Stored(self.root, self.stores, self.scratch)

    def _outside(self, claim: Claim) -> Located | None:
        """The bytes behind a claim that git and the working tree do not have."""
        key = (claim.digest, *(getattr(claim, name, None) for name in ("uri", "mount")))
        if self._apart.get(key) is None:  # a failure is asked about again, so that its reason is at hand
            self._apart[key] = self._stored.locate(claim)
        return self._apart[key]

    def _look(self, path: str, wanted: str | None) -> Located | None:
        if unsafe(path):
            raise Inconclusive(f"{path!r} is not a path inside the repository")
        try:
            if self.commit is not None:
                found = self._in_commit(path, wanted)
                if found is not None:
                    return found
            return self._in_work_tree(path, wanted)
        except OSError as error:
            raise Inconclusive(f"{path} cannot be read: {error.strerror}") from None
        except UnicodeEncodeError:
            raise Inconclusive(f"{path!r} is, or holds, a name that is not UTF-8 and has no digest") from None

    def _in_commit(self, path: str, wanted: str | None, *, links: int = 0) -> Located | None:
        assert self.repository is not None  # noqa: S101  (a commit implies a repository)
        assert self.commit is not None  # noqa: S101
        content = self.repository.read(self.commit, path)
        if content is None:
            return self._tree(path, wanted)
        # The content of a link is the path that it leads to, and no path is longer.
        entry = self.repository.entry(self.commit, path) if len(content) <= _LINK_LIMIT else None
        if entry is not None and entry.is_link:
            return self._link_in_commit(path, content, wanted, links=links)
        if pointed := self._pointed(path, content):
            return pointed
        value = digest.of_bytes(content)
        copy = self.scratch() / (value.removeprefix("sha256:") + _suffix(path))
        if not copy.exists():
            copy.write_bytes(content)
        normalised = None if value == wanted else other_endings(content, wanted)
        return Located(path=path, digest=value, size=len(content), where="judged commit", file=copy, normalised=normalised)

    def _link_in_commit(self, path: str, target: bytes, wanted: str | None, *, links: int) -> Located | None:
        """What a committed link leads to, when that is committed and has the declared digest; None looks further."""
        leads = posixpath.normpath(posixpath.join(posixpath.dirname(path), target.decode(errors="surrogateescape")))
        if unsafe(leads) or links == _MOST_LINKS:
            raise Inconclusive(f"{path} is a symbolic link that leaves the repository or leads nowhere")
        found = self._in_commit(leads, wanted, links=links + 1)
        if found is not None and found.digest != wanted:
            raise Inconclusive(f"{path} is a symbolic link to other bytes than the manifest declares")
        return found

    def _tree(self, path: str, wanted: str | None) -> Located | None:
        """A committed folder; that of the working tree where only this is the declared one (a part of it is not in git)."""
        committed = self._tree_in_commit(path)
        if committed is None or committed.digest == wanted or not (self.root / path).is_dir():
            return committed
        whole = self._in_work_tree(path, wanted)
        return whole if whole is not None and whole.digest == wanted else committed

    def _tree_in_commit(self, path: str) -> Located | None:
        assert self.repository is not None  # noqa: S101
        assert self.commit is not None  # noqa: S101
        prefix = path.rstrip("/") + "/"
        entries = self.repository.entries(self.commit)
        if path in entries and entries[path].kind == "blob":
            raise Inconclusive(f"{path} is committed, but its bytes are not in this clone (it is partial, or damaged)")
        inside = [entry for name, entry in entries.items() if name.startswith(prefix)]
        if not inside:
            return None
        rows = []
        for entry in inside:
            if entry.kind != "blob" or entry.is_link:
                raise Inconclusive(f"{entry.path} is a link or submodule; a directory of data may hold regular files only")
            content = self.repository.read_object(entry.sha)
            if content is None:
                raise Inconclusive(f"{entry.path} is committed, but its bytes are not in this clone")
            rows.append((entry.path.removeprefix(prefix), len(content), digest.of_bytes(content)))
        total = sum(size for _, size, _ in rows)
        return Located(path=path, digest=digest.of_tree(rows), size=total, where="judged commit", file=None)

    def _pointed(self, path: str, content: bytes) -> Located | None:
        """What a Git LFS pointer stands for; None when ``content`` is none."""
        found = pointer(content)
        if found is None or self.repository is None:
            return None
        stored = self.repository.common_dir / "lfs" / "objects" / found.oid[:2] / found.oid[2:4] / found.oid
        if stored.is_file():
            value, size = digest.of_file(stored)
            return Located(path=path, digest=value, size=size, where="Git LFS object", file=stored)
        level = EvidenceLevel.CONSISTENT
        return Located(path=path, digest=f"sha256:{found.oid}", size=found.size, where=LFS_POINTER, file=None, level=level)

    def _in_work_tree(self, path: str, wanted: str | None) -> Located | None:
        place = self.root / path
        try:
            mode = place.lstat().st_mode
        except OSError:
            return None
        folders = PurePosixPath(path).parents[:-1]  # the last one is the root itself
        if stat.S_ISLNK(mode) or any(self.root.joinpath(folder).is_symlink() for folder in folders):
            return self._linked(path, place, wanted)
        if stat.S_ISDIR(mode):
            return self._directory(path, place)
        if not stat.S_ISREG(mode):
            raise Inconclusive(f"{path} is neither a file nor a directory")
        size = place.stat().st_size
        if size < POINTER_LIMIT and (pointed := self._pointed(path, place.read_bytes())):
            return pointed
        found = self._located(path, place, where="working tree")
        if found.digest != wanted and size <= _TEXT_LIMIT:
            return replace(found, normalised=other_endings(place.read_bytes(), wanted))
        return found

    def _linked(self, path: str, place: Path, wanted: str | None) -> Located | None:
        # A link is followed only to bytes that lie in the tree and have the declared digest.
        try:
            target = place.resolve(strict=True)
        except (OSError, RuntimeError):
            return None
        where = "working tree, through a symbolic link"
        if not target.is_relative_to(self.root.resolve()):
            store = self.stores.hold(target)
            if store is None:
                raise Inconclusive(f"{path} is a symbolic link that leaves the repository, or lies behind one")
            where = f"store {store}, through a symbolic link"
        if target.is_dir():
            found = self._directory(path, target, where=where)
        elif target.is_file():
            found = self._located(path, target, where=where)
        else:
            raise Inconclusive(f"{path} is neither a file nor a directory")
        if found.digest != wanted:
            raise Inconclusive(f"{path} is a symbolic link to other bytes than the manifest declares")
        return found

    def _located(self, path: str, file: Path, *, where: str) -> Located:
        value, size = self.hashing.of_file(file, beside=self._large)
        return Located(path=path, digest=value, size=size, where=where, file=file)

    def _directory(self, path: str, place: Path, *, where: str = "working tree") -> Located:
        files = []
        for child in sorted(place.rglob("*")):
            mode = child.lstat().st_mode
            if stat.S_ISDIR(mode):
                continue
            if not stat.S_ISREG(mode):
                raise Inconclusive(
                    f"{path}/{child.relative_to(place)} is a link or special file; directories may hold files only"
                )
            files.append(child)
        hashed = self.hashing.of_files(files)
        rows = [(child.relative_to(place).as_posix(), hashed[child][1], hashed[child][0]) for child in files]
        total = sum(size for _, size, _ in rows)
        return Located(path=path, digest=digest.of_tree(rows), size=total, where=where, file=None, folder=place)

    def _large(self) -> list[Path]:
        """Files of the working tree that are going to be asked for, so that they can be hashed side by side."""
        root = self.root.resolve()
        named = {claim.path for claim in self.expected if claim.path is not None} - set(self._found)
        places = [self.root / path for path in sorted(named) if not unsafe(path)]
        # What lies behind a link is decided about one by one.
        return [place for place in places if place.resolve() == root / place.relative_to(self.root)]

    def _with_suffix(self, found: Located) -> Path:
        """The found file under a name with the suffix of the claim's path: formats are known by it."""
        assert found.file is not None  # noqa: S101  (asked by the only caller)
        suffix = _suffix(found.path)
        if found.file.suffix == suffix:
            return found.file
        alias = self.scratch() / (found.digest.removeprefix("sha256:") + suffix)
        if not alias.exists():
            try:
                os.link(found.file, alias)
            except OSError:  # another file system
                import shutil  # noqa: PLC0415  (rare, and slow to import)

                shutil.copyfile(found.file, alias)
        return alias


def unsafe(path: str) -> bool:
    """Whether ``path`` could leave the repository, or is all of it: absolute, empty, ``.``, with ``..`` or a NUL byte."""
    parts = PurePosixPath(path).parts
    return not parts or "\0" in path or path.startswith("/") or ".." in parts


def _suffix(path: str) -> str:
    suffix = PurePosixPath(path).suffix
    return suffix if suffix.isascii() and len(suffix) <= 16 else ""


class Scratch:
    """A temporary directory that exists only once somebody asks for it.

    Sent to another process, it stands for a directory of that process' own within this one.
    """

    def __init__(self, inside: Path | None = None) -> None:
        self._inside = inside
        self._room: Room | None = None
        self._folder: Path | None = None

    def __call__(self) -> Path:
        """Path of the directory."""
        if self._folder is None:
            from auditor.room import Room  # noqa: PLC0415  (slow to import)

            self._room = Room()
            self._folder = self._room.make(inside=self._inside)
        return self._folder

    def __reduce__(self) -> tuple[type[Scratch], tuple[Path]]:
        return Scratch, (self(),)

    def close(self) -> None:
        """Remove the directory and all in it."""
        if self._folder is not None and self._room is not None:
            from auditor.room import remove  # noqa: PLC0415  (the same)

            remove(self._folder)
            self._room.release()
            self._folder = None


__all__ = ["Claim", "ClaimedBytes", "Located", "Scratch", "unsafe"]
