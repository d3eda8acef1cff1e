"""Manifests behind any URL that fsspec understands: S3, Google Cloud Storage, Azure, SFTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeVar

from auditor import redact
from auditor.errors import UsageError
from auditor.history.found import Listing, ListingError, UnreadError, Version
from auditor.history.stores.folder import SUFFIXES
from auditor.manifest.limits import DEFAULT
from auditor.store.patience import within
from auditor.store.remote import EXTRAS, options

_PATIENCE = 30.0
"""Seconds that one question may take."""

_LONGEST = 200
_STAMPS = ("ETag", "etag", "md5Hash", "mtime", "LastModified")
"""What services call that which changes with an object, the most telling first."""

Answer = TypeVar("Answer")


class RemoteStore:
    """Every ``*.run.yaml`` and ``*.run.json`` below a URL. Address and credentials come from the environment."""

    def __init__(self, url: str, *, patience: float = _PATIENCE) -> None:
        if "@" in url.partition("://")[2].partition("/")[0]:
            raise UsageError("a store's URL holds credentials", hint="give them in the environment instead")
        self._url = url.rstrip("/")
        self._patience = patience

    @property
    def name(self) -> str:
        """The URL."""
        return self._url

    def __getstate__(self) -> dict[str, object]:
        """Without the connection: each process has its own."""
        return {key: value for key, value in self.__dict__.items() if key != "_opened"}

    def since(self, state: str | None) -> Listing:  # noqa: ARG002  (such services do not tell what came when)
        """Always all of it."""
        return Listing()

    def versions(self, state: str | None) -> Iterator[Version]:  # noqa: ARG002  (the same)
        """Every manifest, folder by folder."""
        system, root = self._opened
        walk = iter(system.walk(root, detail=True, on_error="raise"))
        try:
            while (step := within(self._patience, lambda: next(walk, None))) is not None:
                _, _, files = step
                for name, about in sorted(files.items()):
                    if name.endswith(SUFFIXES):
                        yield self._version(str(about["name"]), about, root)
        except Exception as error:  # noqa: BLE001  (every library behind fsspec has errors of its own)
            raise ListingError(
                f"{self._url} cannot be listed: {_words(error)}", hint="check address and credentials"
            ) from None

    def read(self, version: Version) -> bytes:
        """The object's bytes: all of those that were listed, or none."""
        system, root = self._opened
        key = f"{root.rstrip('/')}/{version.path}"
        try:
            content: bytes = within(self._patience, _reading(system, key))
        except FileNotFoundError:
            raise UnreadError("it was gone when it was to be read") from None
        except PermissionError:
            raise UnreadError("access is denied") from None
        except TimeoutError:
            raise UnreadError(f"no answer within {self._patience:g} s") from None
        except Exception as error:  # noqa: BLE001  (the same)
            raise UnreadError(_words(error)) from None
        listed = version.mark.partition("-")[0]
        if listed.isdecimal() and len(content) < min(int(listed), DEFAULT.size + 1):
            raise UnreadError(f"only {len(content)} of its {listed} bytes came")
        return content

    def close(self) -> None:
        """Nothing needs closing."""

    def _version(self, key: str, about: dict[str, Any], root: str) -> Version:
        path = key.removeprefix(root.rstrip("/") + "/")
        stamp = next(
            (str(about[name]) for name in ("ETag", "etag", "md5Hash", "mtime", "LastModified") if name in about), ""
        )
        return Version(store=self.name, path=path, mark=f"{about.get('size', '')}-{stamp}")

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        protocol = self._url.partition(":")[0]
        try:
            import fsspec  # noqa: PLC0415  (optional, and slow to import)

            system, root = fsspec.core.url_to_fs(self._url, **options(protocol, self._patience))
        except ImportError as error:
            raise ListingError(
                f"{protocol}: needs a library that is not installed ({error.name or error})",
                hint=f"pip install 'ml-run-auditor[{EXTRAS.get(protocol, 'stores')}]'",
            ) from None
        except Exception as error:  # noqa: BLE001  (the same)
            raise ListingError(f"{redact.url(self._url)} cannot be opened: {_words(error)}") from None
        return system, str(root)


def _reading(system: Any, key: str) -> Callable[[], bytes]:
    def read() -> bytes:
        with system.open(key, "rb") as stream:
            return bytes(stream.read(DEFAULT.size + 1))

    return read


def _words(error: Exception) -> str:
    return redact.text(" ".join(str(error).split()))[:_LONGEST] or type(error).__name__
