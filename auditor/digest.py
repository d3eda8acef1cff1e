"""Content digests: of bytes, of files, and of JSON values in canonical form.

All digests are written ``sha256:<64 lower-case hex>``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

import rfc8785

_BLOCK = 1 << 20

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""The digest of no bytes at all."""


def of_bytes(content: bytes) -> str:
    """Digest of ``content``."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def of_stream(stream: BinaryIO) -> tuple[str, int]:
    """Digest and size in bytes of what is left in ``stream``, read in blocks."""
    state = hashlib.sha256()
    size = 0
    while block := stream.read(_BLOCK):
        state.update(block)
        size += len(block)
    return f"sha256:{state.hexdigest()}", size


def of_file(path: Path) -> tuple[str, int]:
    """Digest and size in bytes of a regular file.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        return of_stream(stream)


def canonical_bytes(value: object) -> bytes:
    """``value`` (JSON) in the one form that RFC 8785 allows.

    Raises:
        ValueError: the value has no canonical form (a non-finite number, an integer beyond 2^53, a lone surrogate).
    """
    return rfc8785.dumps(value)  # type: ignore[arg-type]  # the library names its own recursive JSON type


def of_value(value: object) -> str:
    """Digest of a JSON value: of its RFC 8785 form, so that neither key order nor layout matters.

    Raises:
        ValueError: the value has no canonical form.
    """
    return of_bytes(canonical_bytes(value))


def of_tree(entries: list[tuple[str, int, str]]) -> str:
    """Digest of a directory (``format: tree``).

    Args:
        entries: ``(relative POSIX path, size in bytes, digest)`` of every file in it, in any order.

    The definition: sha256 of the RFC 8785 array of ``[path, size, digest]``, sorted by the path's UTF-8 bytes.
    """
    return of_value([list(entry) for entry in sorted(entries, key=lambda e: e[0].encode())])
