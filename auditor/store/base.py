"""What every store can do: find bytes by digest, or at an address below its own root, and open them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from auditor.errors import UndecidableError
from auditor.model.words import EvidenceLevel


class StoreError(UndecidableError):
    """A store that cannot be asked, or whose answer cannot be used; the message names the store and the reason."""


class StoreDownError(StoreError):
    """A store that will not be asked again: it cannot be opened, or let the time pass without an answer."""


class Readable(Protocol):
    """An open stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Bytes that a store says it holds; nothing of it has been verified here.

    Attributes:
        store: name of the store in the policy.
        name: of the object, below the store's root.
        size: in bytes, None where the store does not say.
        proven: digest that the store itself computed when it received the bytes, None where it can prove nothing.
        file: the bytes as a regular file, for a store on this machine.
        open: opens the bytes for reading. Its failures are :class:`StoreError`.
    """

    store: str
    name: str
    size: int | None
    proven: str | None
    file: Path | None
    open: Callable[[], AbstractContextManager[Readable]]

    @property
    def level(self) -> EvidenceLevel:
        """How the digest is known before the bytes are read: by the store's own proof, or by their name alone."""
        return EvidenceLevel.CONSISTENT if self.proven is not None else EvidenceLevel.DECLARED


class Store(Protocol):
    """A read-only place for bytes."""

    def find(self, digest: str) -> Found | None:
        """What the store holds under ``digest``, or None.

        Raises:
            StoreError: the store cannot be asked.
        """

    def at(self, address: str) -> Found | None:
        """What the store holds at ``address``, a URL; None for one that is not below its root or has nothing there.

        Raises:
            StoreError: the store cannot be asked.
        """

    def holds(self, path: Path) -> bool:
        """Whether ``path``, with every link in it followed, is a file or directory of the store."""


def names(digest: str) -> tuple[str, ...]:
    """Where the bytes of ``digest`` may lie below a store's root, in the order in which they are looked for."""
    value = digest.removeprefix("sha256:")
    return f"sha256/{value}", value, f"{value[:2]}/{value}"


def below(root: str, address: str) -> str | None:
    """The part of ``address`` below the URL ``root``; None when it could lead anywhere else.

    Nothing is decoded or made shorter: whoever serves the bytes might do it another way. An address with ``.``, ``..`` or
    empty segments, with an escape, a query or a fragment lies below no root.
    """
    prefix = root.rstrip("/") + "/"
    rest = address.removeprefix(prefix)
    if rest == address or any(sign in rest for sign in "%?#\\\0") or "::" in rest:
        return None
    return None if any(part in {"", ".", ".."} for part in rest.split("/")) else rest
