"""The nouns of finding bytes: a claim that they exist, and what was found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from auditor.model.words import EvidenceLevel

LFS_POINTER = "Git LFS pointer"
"""Where only a digest is known: what :attr:`Located.where` says of a pointer without its object."""


class Claim(Protocol):
    """What a data set, an artifact, a lock and a configuration file have in common."""

    @property
    def path(self) -> str | None:
        """Where the bytes are said to be."""

    @property
    def digest(self) -> str | None:
        """What the bytes are said to hash to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Bytes that were found.

    Attributes:
        path: of the claim; its address where it has none.
        digest: of the bytes, as far as ``level`` says.
        size: in bytes.
        where: the place they came from, in words.
        file: a regular file with exactly these bytes; None where only their digest is known (a directory, a Git LFS
            pointer without its object, an object whose digest its store proves).
        level: ``recomputed`` for bytes that were hashed here, ``consistent`` for a digest that somebody else computed.
        folder: a folder whose files have exactly these bytes, for a claim that is one.
        normalised: the declared digest when the bytes would have it with the other line endings (LF for CRLF, or back).
    """

    path: str
    digest: str
    size: int
    where: str
    file: Path | None
    level: EvidenceLevel = EvidenceLevel.RECOMPUTED
    folder: Path | None = None
    normalised: str | None = None
