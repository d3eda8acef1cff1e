"""The stores of one policy, opened when they are first asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from auditor.store.base import Found, Store, StoreDownError, StoreError

PATIENCE = 30.0
"""Seconds that one question to a store, or one block of its bytes, may take."""


class Stores:
    """Asks every store in the order of their names; one that fails is left out, and :attr:`failures` says why.

    ``urls`` are those of a *trusted* policy: whatever they name is dialled.
    """

    def __init__(self, urls: Mapping[str, str], *, patience: float = PATIENCE) -> None:
        self._urls = dict(sorted(urls.items()))
        self._patience = patience
        self._opened: dict[str, Store] = {}
        self._failed: dict[str, str] = {}
        self._down: dict[str, StoreError] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The stores' names."""
        return tuple(self._urls)

    @property
    def failures(self) -> tuple[str, ...]:
        """Why stores could not answer when they were last asked, in words."""
        return tuple(self._failed.values())

    def find(self, digest: str) -> list[Found]:
        """What the stores hold under ``digest``, what a store proves itself first."""
        found = self._ask(lambda store: store.find(digest))
        return sorted(found, key=lambda one: (one.proven != digest, one.file is None))

    def at(self, address: str) -> Found | None:
        """What stands at ``address``, where that is below the root of a store."""
        return next(iter(self._ask(lambda store: store.at(address))), None)

    def hold(self, path: Path) -> str | None:
        """The name of the store on this machine that ``path`` is in, every link in it followed; None for none."""
        for name in self._urls:
            try:
                if self._store(name).holds(path):
                    return name
            except (StoreError, OSError, RuntimeError):
                continue
        return None

    def give_up(self, name: str, error: StoreError) -> None:
        """Ask store ``name`` no more: what it was reading did not come."""
        self._down[name] = error

    def _ask(self, question: Callable[[Store], Found | None]) -> list[Found]:
        self._failed.clear()
        answers = []
        for name in self._urls:
            try:
                answer = question(self._store(name))
            except StoreError as error:
                if isinstance(error, StoreDownError):
                    self.give_up(name, error)
                self._failed[name] = f"{error.message} ({error.hint})" if error.hint else error.message
            else:
                answers += [answer] if answer is not None else []
        return answers

    def _store(self, name: str) -> Store:
        if name in self._down:
            raise self._down[name]
        if name not in self._opened:
            self._opened[name] = _open(name, self._urls[name], self._patience)
        return self._opened[name]


def _open(name: str, url: str, patience: float) -> Store:
    from urllib.parse import urlsplit  # noqa: PLC0415  (only a policy with stores needs these)

    from auditor.store.folder import FolderStore  # noqa: PLC0415
    from auditor.store.remote import RemoteStore  # noqa: PLC0415

    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if not parts.scheme or "://" not in url or "::" in url:
        raise StoreDownError(f"store {name}: {url!r} is no URL", hint="write file:///folder, s3://bucket/prefix or the like")
    if "@" in parts.netloc:
        raise StoreDownError(f"store {name}: its URL holds credentials", hint="give them in the environment instead")
    if parts.scheme == "file":
        return FolderStore(name, url)
    return RemoteStore(name, url, patience=patience)
