"""A temporary folder that holds one commit and nothing else: the world that a re-executed command sees.

The folder has its own one-commit ``.git`` with the same commit id, so programs that ask git for their version get the
recorded answer. Objects of files that were taken away (outputs, manifests, ledger) are not in it: what the command must
compute cannot be read back from history. The audited repository is only read.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType, TracebackType
from typing import Self

from auditor import digest, globs
from auditor.errors import UndecidableError
from auditor.git import GitError, Repository
from auditor.model.run import DataSource
from auditor.reproduce import inputs, patch, submodules
from auditor.reproduce.checkout import checkout
from auditor.reproduce.inputs import Inputs
from auditor.room import Room, remove
from auditor.store import trees
from auditor.store.trees import digest_of

MANIFESTS = ("**/*.run.yaml", "**/*.run.json")
"""Files that are manifests wherever they lie: a command never sees what it is expected to produce."""

_SYSTEM = frozenset({"bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "run", "sbin", "sys", "usr"})
_LFS = b"version https://git-lfs.github.com/spec/"
_POINTED = re.compile(_LFS + rb"v1\n(?:[^\n]*\n)*?oid sha256:([0-9a-f]{64})\n")

Fetch = Callable[[DataSource], Path | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One declared output after the command: ``path`` when the command created it, else ``reason`` why it does not count."""

    path: Path | None = None
    reason: str | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where exactly a workspace is made, for experiments in which that matters; ``base`` must not exist yet."""

    base: Path
    work: str = "work"
    home: str = "home"


class Workspace:
    """A commit's files in a temporary folder, as a context manager; nothing is left behind on any exit.

    Attributes:
        base: the temporary folder; ``root``, ``home``, ``scratch`` and ``shown`` (read-only for the command) lie in it.
        notes: what differs from the record, in words.
        missing: declared inputs whose bytes were found nowhere, as ``path (digest)``.
        sealed: inputs in the workspace that the command may only read.
        mounts: ``(file on this machine, absolute path in the sandbox)`` of inputs that lie outside of the folder here, or
            that the command saw outside of it.

    Args of construction that need words: ``cache`` lends large inputs, which are then mounted (None copies them, for where
    nothing can be mounted); ``patched_by`` turns the commit into the code that ran; ``reads`` are digests of what that read.
    """

    def __init__(  # noqa: PLR0913  (one commit, and what to take from it and add to it)
        self,
        repository: Repository,
        commit: str,
        *,
        outputs: Collection[str] = (),
        data: Sequence[DataSource] = (),
        hidden: Sequence[str] = (),
        fetch: Fetch | None = None,
        cache: Inputs | None = None,
        patched_by: Path | None = None,
        reads: Mapping[str, str] = MappingProxyType({}),
        spot: Spot | None = None,
    ) -> None:
        self._repository = repository
        self._commit = commit
        self._outputs = frozenset(_inside(path) for path in outputs)
        self._inputs = data
        self._hidden = (*MANIFESTS, *hidden)
        self._fetch = fetch
        self._cache = cache
        self._patch = patched_by
        self._reads = reads
        self._spot = spot
        self._bound: dict[str, Path] = {}
        self._room = Room()
        self._before: frozenset[str] = frozenset()
        self.notes: list[str] = []
        self.missing: list[str] = []
        self.sealed: list[Path] = []
        self.mounts: list[tuple[Path, str]] = []

    def __enter__(self) -> Self:
        spot = self._spot or Spot(base=self._room.make(self._repository.root))
        self.base = spot.base
        try:
            for name in (spot.work, spot.home, "scratch", "shown"):
                (self.base / name).mkdir(parents=True)
            self.root, self.home = self.base / spot.work, self.base / spot.home
            self.scratch, self.shown = self.base / "scratch", self.base / "shown"
            kept = self._fill()
            for source in self._inputs:
                self._place(source, committed=kept)
            self._make_room()
            self._before = frozenset(_files(self.root))
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._leave()

    def _leave(self) -> None:
        remove(self.base)
        self._room.release()

    def input(self, seen: str) -> Path | None:
        """The file on this machine that the command sees at ``seen``, a path in the repository or an absolute one."""
        inside = seen if seen.startswith("/") else str(self.root / seen)
        for place, mounted in self.mounts:
            if mounted == inside:
                return place
        place = self.root / seen
        fine = not seen.startswith("/") and place.resolve().is_relative_to(self.root) and place.is_file()
        return place if fine else None

    def replace(self, seen: str, content: bytes) -> None:
        """Show the command ``content`` at ``seen`` instead of the input that :meth:`input` finds there."""
        inside = seen if seen.startswith("/") else str(self.root / seen)
        index = next((i for i, (_, mounted) in enumerate(self.mounts) if mounted == inside), None)
        own = self.root / seen if index is None else self.shown / f"changed-{index}"
        own.unlink(missing_ok=True)
        own.write_bytes(content)
        if index is not None:
            self.mounts[index] = (own, inside)

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

    def _fill(self) -> frozenset[str]:
        """The commit's files, those of its submodules, what the recorded patch makes of them; the paths of all."""
        source = self._repository.root
        found = checkout(source, self._commit, self.root, hidden=self._is_hidden)
        absent = submodules.fill(source, self.root, found.submodules, hidden=self._is_hidden)
        for path, commit in absent.items():
            self._without(path, commit)
        self._fill_pointers(found.files)
        if self._patch is None:
            return found.files
        touched = patch.apply(self._patch, self.root, hidden=self._is_hidden)
        for path in sorted(touched & self._reads.keys()):
            place = self.root / path
            if not place.is_symlink() and place.is_file() and digest.of_file(place)[0] != self._reads[path]:
                raise UndecidableError(f"with the recorded patch, {path} does not have the bytes that the run read")
        return found.files | touched

    def _without(self, path: str, commit: str) -> None:
        """A submodule that is not in this clone: the run is not executed without it, unless it read nothing from there."""
        if self._reads and not any(read.startswith(f"{path}/") for read in self._reads):
            self.notes.append(f"submodule {path} is not in this clone, and left empty: the run read nothing from it")
            return
        raise UndecidableError(
            f"submodule {path} is not in this clone at {commit[:12]}", hint=f"git submodule update --init --recursive {path}"
        )

    def _fill_pointers(self, files: frozenset[str]) -> None:
        """Put the bytes in the place of Git LFS pointers, as a checkout with LFS does; by digest, from this clone alone."""
        if not any(_filters_lfs(self.root / name) for name in files if name.rpartition("/")[2] == ".gitattributes"):
            return
        kept = self._repository.common_dir / "lfs" / "objects"
        for path in sorted(files):
            place = self.root / path
            pointer = None if _is_content(place) or place.is_symlink() else _POINTED.search(place.read_bytes())
            if pointer is None:
                continue
            oid = pointer[1].decode()
            held = kept / oid[:2] / oid[2:4] / oid
            if self._reads.get(path) == digest.of_file(place)[0]:
                continue  # the run itself had the pointer alone
            if not held.is_file() or digest.of_file(held)[0] != f"sha256:{oid}":
                self.notes.append(f"{path} is a Git LFS pointer whose object is not here (git lfs pull)")
                continue
            place.unlink()
            shutil.copyfile(held, place)

    def _is_hidden(self, path: str, is_link: bool) -> bool:  # noqa: FBT001  (called by what only knows that it can be)
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
        elif seen == source.path and self._is_committed(source, target, committed):
            return  # a committed folder: its files are there already
        elif not self._bring(source, target):
            self._absent(source, seen)
            return
        held = self._bound.get(str(target))
        if seen.startswith("/"):
            self.mounts.append((held or target, seen))
        elif held is not None:
            self.mounts.append((held, str(target)))
        else:
            self.sealed.append(target)

    def _is_committed(self, source: DataSource, target: Path, committed: frozenset[str]) -> bool:
        """Whether the commit holds the folder ``source``: its files, not only some of them."""
        if not any(name.startswith(f"{source.path}/") for name in committed):
            return False
        # Where no other files than the committed ones are to be had, these are what there is.
        whole = source.format != trees.FORMAT or digest_of(target) == source.digest
        return whole or self._fetch is None or self._fetch(source) is None

    def _bring(self, source: DataSource, target: Path) -> bool:
        found = self._fetch(source) if self._fetch else None
        if found is None:
            return False
        if not target.parent.resolve().is_relative_to(self.base):
            return False
        if target.is_symlink() or target.is_file():
            target.unlink()
        target.parent.mkdir(parents=True, exist_ok=True)
        if self._cache is not None and found.is_file() and found.stat().st_size >= inputs.WORTH_KEEPING:
            target.touch()  # what is mounted needs something to be mounted on
            self._bound[str(target)] = self._cache.hold(found, source.digest)
        elif found.is_dir():
            remove(target)
            shutil.copytree(found, target, symlinks=True)
            if source.format == trees.FORMAT and digest_of(target) != source.digest:
                raise UndecidableError(f"{source.path or source.name} changed while it was copied")
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


def _filters_lfs(attributes: Path) -> bool:
    return not attributes.is_symlink() and b"filter=lfs" in attributes.read_bytes()


def _files(root: Path) -> list[str]:
    found = []
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if name != ".git" or Path(folder) != root]
        links = [name for name in names if (Path(folder) / name).is_symlink()]
        found += [(Path(folder) / name).relative_to(root).as_posix() for name in (*files, *links)]
    return found
