"""The manifests that are judged: found in a working tree or in a commit, read once, identified by digest."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from auditor import digest
from auditor.errors import EmptySelectionError, UnreadableError, UsageError
from auditor.evidence.manifest import Manifest
from auditor.git import Repository
from auditor.globs import matches
from auditor.manifest.reader import read, read_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One manifest under judgement. ``digest`` is canonical for a readable one, of the raw bytes for any other."""

    manifest: Manifest
    digest: str
    identity: Literal["canonical", "bytes"]

    @property
    def path(self) -> str:
        """Where the manifest was found, relative to the repository root."""
        return self.manifest.path


def from_bytes(path: str, raw: bytes) -> Subject:
    """The subject in ``raw``, readable or not."""
    try:
        document = read(raw, source=path)
        return Subject(manifest=Manifest(path, document), digest=document.digest, identity="canonical")
    except UnreadableError as error:
        return Subject(manifest=Manifest(path, error=error), digest=digest.of_bytes(raw), identity="bytes")


def from_file(root: Path, path: str) -> Subject:
    """The subject at ``path`` below ``root``, readable or not."""
    try:
        document = read_file(root / path, source=path)
        return Subject(manifest=Manifest(path, document), digest=document.digest, identity="canonical")
    except UnreadableError as error:
        return Subject(manifest=Manifest(path, error=error), digest=_raw_digest(root / path), identity="bytes")


def in_commit(repository: Repository, commit: str, path: str) -> Subject:
    """The subject at ``path`` in ``commit``, readable or not."""
    return from_bytes(path, repository.read(commit, path) or b"")


def select_files(root: Path, given: Iterable[str], patterns: tuple[str, ...]) -> list[str]:
    """Paths, relative to ``root``, of the manifests named or matched in a working tree, sorted.

    Raises:
        EmptySelectionError: a given path or pattern, or the policy's patterns, matched no file.
        UsageError: a given path leads out of the repository.
    """
    given = list(given)
    if not given:
        found = {path for pattern in patterns for path in _glob(root, pattern)}
        if not found:
            raise EmptySelectionError(
                f"no manifest matches {', '.join(patterns)}", hint="record a run first: auditor record ... -- COMMAND"
            )
        return sorted(found)
    chosen: set[str] = set()
    for name in given:
        inside = _relative(root, name)
        found = {inside} if (root / inside).exists() else set(_glob(root, inside))
        if not found:
            raise EmptySelectionError(
                f"{name} matches no file", hint="quote patterns; paths are relative to the repository root"
            )
        chosen |= found
    return sorted(chosen)


def select_committed(paths: Iterable[str], given: Iterable[str], where: str) -> list[str]:
    """The ``paths`` of a commit that are named or matched by ``given``, sorted.

    Raises:
        EmptySelectionError: a given path or pattern matched none.
    """
    paths = list(paths)
    chosen: set[str] = set()
    for name in given:
        pattern = PurePosixPath(name).as_posix()
        found = {path for path in paths if path == pattern or matches(path, (pattern,))}
        if not found:
            raise EmptySelectionError(
                f"{name} matches no file in {where}", hint="the gate judges committed content: commit it first"
            )
        chosen |= found
    return sorted(chosen)


def _glob(root: Path, pattern: str) -> Iterable[str]:
    if PurePosixPath(pattern).is_absolute() or ".." in PurePosixPath(pattern).parts:
        return []
    found = (path for path in root.glob(pattern) if path.is_file())
    return [path.relative_to(root).as_posix() for path in found]


def _relative(root: Path, name: str) -> str:
    """``name``, as given from the current directory, relative to ``root``."""
    absolute = Path(os.path.abspath(name))  # noqa: PTH100  (resolve() would follow the link that is being named)
    if not name or not absolute.is_relative_to(root):
        raise UsageError(f"{name!r} is not inside {root}", hint="manifests are judged together with their repository")
    return absolute.relative_to(root).as_posix()


def _raw_digest(path: Path) -> str:
    try:
        return digest.of_file(path)[0]
    except OSError:
        return digest.EMPTY
