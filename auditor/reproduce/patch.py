"""Applies the recorded difference between a commit and the code that ran, and tells what it makes of each file.

A patch is text of the run: it is bounded before it is read, and applied by a git that may use little memory.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from auditor import digest
from auditor.errors import UndecidableError
from auditor.git import GitError
from auditor.reproduce import plumbing

_LIMIT = 64 << 20
# A few bytes of a binary patch can stand for many: what they become has to fit here.
_MEMORY = 4 << 30


def apply(patch: Path, root: Path, *, hidden: Callable[[str, bool], bool]) -> frozenset[str]:
    """Apply ``patch`` to the files in ``root``; the paths that it touches.

    Raises:
        UndecidableError: it is too large, does not fit the commit, or writes what the command must not see.
    """
    if patch.stat().st_size > _LIMIT:
        raise UndecidableError(f"the recorded patch has {patch.stat().st_size} bytes, more than {_LIMIT}")
    touched = _touched(patch, root)
    if secret := sorted(path for path in touched if hidden(path, False)):
        raise UndecidableError(
            f"the recorded patch writes {secret[0]}, which the command has to produce", hint="record the run again"
        )
    _git(root, "apply", "--whitespace=nowarn", str(patch.resolve()))
    return touched


def patched_digests(source: Path, commit: str, patch: bytes) -> dict[str, str | None]:
    """What each file that ``patch`` touches hashes to afterwards, None for a file that it removes.

    Nothing is written but a temporary folder: the repository at ``source`` lends its objects.

    Raises:
        UndecidableError: the patch is too large, or does not fit ``commit``.
        GitError: the commit is not here.
    """
    if len(patch) > _LIMIT:
        raise UndecidableError(f"the recorded patch has {len(patch)} bytes, more than {_LIMIT}")
    with tempfile.TemporaryDirectory(prefix="auditor-patch-") as name:
        folder = Path(name)
        (folder / "objects").mkdir()
        (folder / "patch").write_bytes(patch)
        lent = plumbing.git(source, "rev-parse", "--path-format=absolute", "--git-path", "objects").decode().strip()
        own = {
            "GIT_INDEX_FILE": str(folder / "index"),
            "GIT_OBJECT_DIRECTORY": str(folder / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": lent,
        }
        plumbing.git(source, "read-tree", commit, variables=own)
        touched = _touched(folder / "patch", source)
        _git(source, "apply", "--cached", "--whitespace=nowarn", str(folder / "patch"), variables=own)
        listed = plumbing.git(source, "ls-files", "--stage", "-z", "--full-name", variables=own)
        rows = (row.partition(b"\t") for row in listed.split(b"\0") if row)
        blobs = {os.fsdecode(path): about.split()[1].decode() for about, _, path in rows}
        after: dict[str, str | None] = dict.fromkeys(sorted(touched))
        for path in after.keys() & blobs.keys():
            after[path] = digest.of_bytes(plumbing.git(source, "cat-file", "blob", blobs[path], variables=own))
        return after


def _touched(patch: Path, root: Path) -> frozenset[str]:
    listing = _git(root, "apply", "--numstat", "-z", str(patch.resolve()))
    rows = (row.split(b"\t", 2) for row in listing.split(b"\0") if row)
    return frozenset(os.fsdecode(row[-1]) for row in rows)


def _git(root: Path, *arguments: str, variables: dict[str, str] | None = None) -> bytes:
    try:
        return plumbing.git(root, *arguments, variables=variables, memory=_MEMORY)
    except GitError as error:
        raise UndecidableError(
            f"the recorded patch does not apply to the recorded commit: {error.message}", hint="record the run again"
        ) from None
