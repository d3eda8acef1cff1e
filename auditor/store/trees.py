"""Folders as stores keep them: every file under its digest, and the list of them under the digest of the whole.

The digest of a folder (``format: tree``) is that of the canonical array of its files. So the array itself, put into a store
like any file, is found by the folder's digest and tells where the rest is.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from auditor import digest

FORMAT: Final = "tree"
LARGEST: Final = 64 << 20
"""Bytes of a list that are read."""

_MOST: Final = 200_000


class Entry(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One file of a folder."""

    path: str
    size: int
    digest: str


def files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file below ``folder``, by its relative path.

    Raises:
        ValueError: it holds a link, something special, or a name that is no text.
    """
    for parent, names, files in os.walk(folder):
        for name in sorted([*names, *files]):
            place = Path(parent, name)
            relative = place.relative_to(folder).as_posix()
            kind = stat.S_IFMT(place.lstat().st_mode)
            if kind not in {stat.S_IFREG, stat.S_IFDIR} or any("\ud800" <= sign <= "\udfff" for sign in relative):
                raise ValueError(f"{relative!r} is a link, a special file or no text")
            if kind == stat.S_IFREG:
                yield relative, place


def digest_of(place: Path) -> str | None:
    """Digest of a file, or of a folder as ``format: tree``; None for a folder that has none."""
    if not place.is_dir():
        return digest.of_file(place)[0]
    try:
        found = {name: digest.of_file(file) for name, file in files_of(place)}
    except ValueError:
        return None
    return digest.of_tree([(name, size, value) for name, (value, size) in found.items()])


def listed(entries: list[Entry]) -> bytes:
    """The list whose digest is that of the folder."""
    rows = sorted(entries, key=lambda entry: entry.path.encode())
    return digest.canonical_bytes([[entry.path, entry.size, entry.digest] for entry in rows])


def read(content: bytes) -> tuple[Entry, ...]:
    """The files that a list names.

    Raises:
        ValueError: it is no list of files that could lie in one folder.
    """
    try:
        entries = msgspec.json.decode(content, type=tuple[Entry, ...])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError("it is no list of files") from error
    paths = {entry.path for entry in entries}
    if len(entries) > _MOST or len(paths) != len(entries) or listed(list(entries)) != content:
        raise ValueError("it is no canonical list of files")
    for entry in entries:
        pure = PurePosixPath(entry.path)
        plain = (
            pure.as_posix() == entry.path and not pure.is_absolute() and ".." not in pure.parts and "\0" not in entry.path
        )
        if not plain or entry.size < 0 or any(str(above) in paths for above in pure.parents):
            raise ValueError(f"no folder can hold {entry.path!r} beside the others")
    return entries
