"""What can be told from bytes alone: whether they are a Git LFS pointer, or the declared text with other line endings."""

from __future__ import annotations

import re
from dataclasses import dataclass

from auditor import digest

POINTER_LIMIT = 1024
"""A Git LFS pointer is smaller than this, in bytes."""

_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:[^\n]*\n)*?"
    rb"oid sha256:(?P<oid>[0-9a-f]{64})\nsize (?P<size>[0-9]{1,19})\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """What a Git LFS pointer stands for: the object's sha256 in hex, and its size in bytes."""

    oid: str
    size: int


def pointer(content: bytes) -> Pointer | None:
    """The Git LFS pointer that ``content`` is, else None."""
    found = _POINTER.fullmatch(content) if len(content) < POINTER_LIMIT else None
    return Pointer(oid=found["oid"].decode(), size=int(found["size"])) if found else None


def other_endings(content: bytes, wanted: str | None) -> str | None:
    """``wanted``, when ``content`` has that digest with the other line endings (LF for CRLF, CRLF for LF)."""
    unix = content.replace(b"\r\n", b"\n")
    others = (unix, unix.replace(b"\n", b"\r\n")) if b"\n" in content else ()
    return wanted if any(digest.of_bytes(other) == wanted for other in others) else None
