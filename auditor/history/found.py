"""What stores of manifests have in common: they list versions, and give the bytes of one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import msgspec

from auditor.errors import UndecidableError


class ListingError(UndecidableError):
    """A store of manifests that cannot be listed; the message names it and the reason."""


class UnreadError(Exception):
    """One version that its store lists but does not give. It never holds up the others."""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a manifest in one store; nothing of it has been read yet.

    ``mark`` changes when the bytes do (a blob id, an ETag, what ``stat`` tells). ``commit`` is the one that brought the
    version, and ``at`` when (seconds since the epoch), where the store knows.
    """

    store: str
    path: str
    mark: str
    commit: str | None = None
    at: int | None = None


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """How far a store's listing goes: all it holds, or what came after ``since``. ``state`` is what to go on from next."""

    state: str | None = None
    complete: bool = True


class RunStore(Protocol):
    """A place with manifests. It is sent to other processes and machines, so it can be pickled."""

    @property
    def name(self) -> str:
        """What the store is called wherever it is shown, and by which it is known again."""

    def since(self, state: str | None) -> Listing:
        """What :meth:`versions` would list for somebody who has seen the store in ``state``.

        Raises:
            ListingError: the store cannot be asked.
        """

    def versions(self, state: str | None) -> Iterator[Version]:
        """Every version, or those that came after ``state`` where the listing is not complete; each once, streamed.

        Raises:
            ListingError: the store cannot be listed, or no further.
        """

    def read(self, version: Version) -> bytes:
        """The bytes of one version.

        Raises:
            UnreadError: it is listed, but cannot be had.
        """

    def close(self) -> None:
        """End what was opened for reading."""
