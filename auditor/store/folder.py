"""A store in a folder of this machine (``file:///...``)."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from auditor.store.base import Found, Readable, StoreError, below, names


class FolderStore:
    """The files below one folder. A link is followed only to what lies below it, too."""

    def __init__(self, name: str, url: str) -> None:
        parts = urlsplit(url)
        if parts.netloc not in {"", "localhost"} or parts.query or parts.fragment or not parts.path.startswith("/"):
            raise StoreError(f"store {name}: {url} names no folder of this machine", hint="write file:///absolute/path")
        self._name = name
        self._root = Path(unquote(parts.path))
        self._url = f"file://{parts.path}"

    def find(self, digest: str) -> Found | None:
        """The file under the name of ``digest``."""
        root = self._resolved()
        return next((found for name in names(digest) if (found := self._file(root, name)) is not None), None)

    def at(self, address: str) -> Found | None:
        """The file at ``address``, a ``file:`` URL."""
        name = below(self._url, address)
        return self._file(self._resolved(), name) if name is not None else None

    def holds(self, path: Path) -> bool:
        """Whether ``path``, with every link in it followed, lies below the folder."""
        return path.resolve().is_relative_to(self._resolved())

    def _resolved(self) -> Path:
        try:
            root = self._root.resolve(strict=True)
        except (OSError, RuntimeError):
            root = None
        if root is None or not root.is_dir():
            raise StoreError(f"store {self._name}: {self._root} is no folder of this machine")
        return root

    def _file(self, root: Path, name: str) -> Found | None:
        try:
            place = (root / name).resolve(strict=True)
            status = place.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, RuntimeError) as error:
            raise StoreError(f"store {self._name}: {name} cannot be read: {_words(error)}") from None
        if not place.is_relative_to(root) or not stat.S_ISREG(status.st_mode):
            raise StoreError(f"store {self._name}: {name} is no regular file of the store")

        @contextmanager
        def opened() -> Iterator[Readable]:
            try:
                with place.open("rb") as stream:
                    yield stream
            except OSError as error:
                raise StoreError(f"store {self._name}: {name} cannot be read: {_words(error)}") from None

        return Found(store=self._name, name=name, size=status.st_size, proven=None, file=place, open=opened)


def _words(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
