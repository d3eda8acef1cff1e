"""A store behind any URL that fsspec understands: S3, Google Cloud Storage, HTTP, SFTP."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from auditor import redact
from auditor.store.base import Found, Readable, StoreDownError, StoreError, below, names
from auditor.store.patience import within

_BLOCK = 8 << 20
EXTRAS = {"s3": "s3", "s3a": "s3"}
"""The extra of this package that brings the library for a protocol, where it is another one than ``stores``."""

_LONGEST = 200

Answer = TypeVar("Answer")


class RemoteStore:
    """Objects below one URL. Address and credentials of a service come from the environment, as its own tools read them.

    ``patience`` is how long, in seconds, one question or one block of 8 MiB may take.
    """

    def __init__(self, name: str, url: str, *, patience: float) -> None:
        self._name = name
        self._url = url
        self._patience = patience

    def find(self, digest: str) -> Found | None:
        """The object under the name of ``digest``."""
        return self._first(names(digest))

    def at(self, address: str) -> Found | None:
        """The object at ``address``."""
        name = below(self._url, address)
        return self._first((name,)) if name is not None else None

    def holds(self, path: Path) -> bool:  # noqa: ARG002  (the signature of Store)
        """Never: no path of this machine is in it."""
        return False

    def _first(self, candidates: tuple[str, ...]) -> Found | None:
        # A service may deny what is not there (S3 does to whoever may not list), so a denial ends nothing by itself.
        denied: StoreError | None = None
        for name in candidates:
            try:
                found = self._object(name)
            except PermissionError as error:
                denied = self._failed(name, error)
                continue
            if found is not None:
                return found
        if denied is not None:
            raise denied
        return None

    def _object(self, name: str) -> Found | None:
        system, root = self._opened
        key = f"{root.rstrip('/')}/{name}"
        try:
            size, proven = self._asked(name, lambda: _about(system, key))
        except (FileNotFoundError, IsADirectoryError):
            return None
        return Found(store=self._name, name=name, size=size, proven=proven, file=None, open=lambda: self._stream(name, key))

    @contextmanager
    def _stream(self, name: str, key: str) -> Iterator[Readable]:
        system, _ = self._opened
        try:
            opened = self._asked(name, lambda: system.open(key, "rb", block_size=_BLOCK))
        except (FileNotFoundError, PermissionError) as error:
            raise self._failed(name, error) from None
        try:
            yield _Patient(opened, lambda call: self._read(name, call))
        finally:
            opened.close()

    def _read(self, name: str, call: Callable[[], bytes]) -> bytes:
        try:
            return self._asked(name, call)
        except (FileNotFoundError, PermissionError) as error:
            raise self._failed(name, error) from None

    def _asked(self, name: str, call: Callable[[], Answer]) -> Answer:
        try:
            return within(self._patience, call)
        except (FileNotFoundError, IsADirectoryError, PermissionError):
            raise
        except TimeoutError:
            raise StoreDownError(f"store {self._name}: {name}: no answer within {self._patience:g} s") from None
        except Exception as error:  # noqa: BLE001  (every library behind fsspec has errors of its own)
            raise self._failed(name, error) from None

    def _failed(self, name: str, error: Exception) -> StoreError:
        if isinstance(error, PermissionError):
            return StoreError(f"store {self._name}: access to {name} is denied", hint="check the credentials")
        said = redact.text(" ".join(str(error).split()))[:_LONGEST]
        return StoreError(f"store {self._name}: {name} cannot be read: {said or type(error).__name__}")

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        """The file system and the path of the store's root in it."""
        protocol = self._url.partition(":")[0]
        extra = EXTRAS.get(protocol, "stores")
        try:
            import fsspec  # noqa: PLC0415  (optional, and slow to import)

            opened = fsspec.core.url_to_fs(self._url, **options(protocol, self._patience))
        except ImportError as error:
            raise StoreDownError(
                f"store {self._name}: {protocol}: needs a library that is not installed ({error.name or error})",
                hint=f"pip install 'ml-run-auditor[{extra}]'",
            ) from None
        except Exception as error:  # noqa: BLE001  (the same)
            raise StoreDownError(self._failed(redact.url(self._url), error).message) from None
        return opened[0], str(opened[1])


def _about(system: Any, key: str) -> tuple[int | None, str | None]:
    """Size in bytes of an object, and the digest that its service computed when it received it."""
    if "s3" in system.protocol:
        # One question instead of fsspec's two; the second would be for a listing, which may be denied.
        bucket, path, _ = system.split_path(key)
        head = system.call_s3("head_object", Bucket=bucket, Key=path, ChecksumMode="ENABLED")
        return int(head["ContentLength"]), _checksum(head)
    about = system.info(key)
    if about.get("type") != "file":
        raise IsADirectoryError(key)
    return about["size"] if isinstance(about.get("size"), int) else None, None


def _checksum(head: Mapping[str, Any]) -> str | None:
    """The sha256 of the whole object in S3's answer; None where it has none."""
    # An upload in parts, known by the dash in its ETag, has a checksum of checksums, which says nothing about the whole.
    if head.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT" or "-" in str(head.get("ETag", "-")):
        return None
    try:
        value = base64.b64decode(head.get("ChecksumSHA256") or "", validate=True)
    except binascii.Error:
        return None
    return f"sha256:{value.hex()}" if len(value) == 32 else None


class _Patient:
    """A stream whose blocks have to come in time."""

    def __init__(self, stream: Any, asked: Callable[[Callable[[], bytes]], bytes]) -> None:
        self._stream = stream
        self._asked = asked

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        return self._asked(lambda: bytes(self._stream.read(size)))


def options(protocol: str, patience: float) -> dict[str, Any]:
    """What a file system is opened with: nothing cached between audits, and time limits where the service has them."""
    options: dict[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}
    if EXTRAS.get(protocol) == "s3":
        limits = {"connect_timeout": patience, "read_timeout": patience, "retries": {"max_attempts": 2}}
        options["config_kwargs"] = limits
    return options
