"""Puts files into a store: under their digest, once, and never over something that is there."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from auditor import digest, redact
from auditor.errors import EmptySelectionError, RefusedError, UsageError
from auditor.store import trees
from auditor.store.base import StoreError

_BLOCK = 1 << 20
_LARGEST_UPLOAD = 5 << 30
"""Bytes that S3 takes in one upload; what is uploaded in parts gets no checksum of the whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """A file or folder that a store holds now. ``new`` tells whether it did not before."""

    path: Path
    digest: str
    address: str
    new: bool


def put(url: str, paths: Sequence[Path], *, retain: dt.datetime | None = None) -> list[Put]:
    """Put every file, and all files of every folder, into the store at ``url``, a folder (``file:``) or a bucket (``s3:``).

    ``retain`` locks objects until then, where the bucket has object lock.

    Raises:
        EmptySelectionError: a file is not there. RefusedError: other bytes lie under a digest. StoreError: it did not work.
    """
    if not paths:
        raise EmptySelectionError("no file is named", hint="auditor store put FILE...")
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"}:
        if retain is not None:
            raise UsageError(
                "a folder cannot lock files until a day", hint="leave --retain-until out, or use S3 object lock"
            )
        root = Path(unquote(parts.path))
        return [_put(path, partial(_into_folder, root)) for path in paths]
    if parts.scheme in {"s3", "s3a"}:
        bucket = _Bucket(url)
        return [_put(path, partial(bucket.put, retain=retain)) for path in paths]
    raise UsageError(
        f"{redact.url(url)} cannot be written once and for all", hint="use file:///folder or s3://bucket/prefix"
    )


def _put(path: Path, one: Callable[[Path], Put]) -> Put:
    """A file by ``one``; a folder file by file, and last the list of them, under whose digest it is found."""
    if not path.is_dir():
        return one(path)
    try:
        held = [(name, one(place), place.stat().st_size) for name, place in trees.files_of(path)]
    except ValueError as error:
        raise EmptySelectionError(f"{path}: {error}", hint="give the folder without it") from None
    if not held:
        raise EmptySelectionError(f"{path} holds no file")
    with tempfile.TemporaryDirectory(prefix="auditor-") as room:
        listing = Path(room, "tree.json")
        listing.write_bytes(trees.listed([trees.Entry(name, size, put.digest) for name, put, size in held]))
        return replace(one(listing), path=path)


def _into_folder(root: Path, path: Path) -> Put:
    value, copy = _copied(path, root)
    name = value.removeprefix("sha256:")
    target = root / "sha256" / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        copy.chmod(0o444)
        os.link(copy, target)  # fails where something is, whoever put it there meanwhile
        new = True
    except FileExistsError:
        new = False
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror}") from None
    finally:
        copy.unlink(missing_ok=True)
    if not new and digest.of_file(target)[0] != value:
        raise RefusedError(f"{target} holds other bytes than its name says", hint="somebody wrote there; move it away")
    return Put(path=path, digest=value, address=target.as_uri(), new=new)


def _copied(path: Path, root: Path) -> tuple[str, Path]:
    """The digest of a file and a copy of the very bytes it is of, beside the store's own files and flushed to disk."""
    state = hashlib.sha256()
    try:
        with path.open("rb") as source:
            if not path.is_file():
                raise EmptySelectionError(f"{path} is no regular file")
            root.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=root, prefix=".incoming-", delete=False) as copy:
                while block := source.read(_BLOCK):
                    state.update(block)
                    copy.write(block)
                copy.flush()
                os.fsync(copy.fileno())
    except FileNotFoundError:
        raise EmptySelectionError(f"{path} is not there") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be put into {root}: {error.strerror}") from None
    return f"sha256:{state.hexdigest()}", Path(copy.name)


class _Bucket:
    """An S3 bucket, asked to refuse what is there already (``If-None-Match: *``)."""

    def __init__(self, url: str) -> None:
        try:
            import fsspec  # noqa: PLC0415  (optional, and slow to import)

            self._system, root = fsspec.core.url_to_fs(url, skip_instance_cache=True, use_listings_cache=False)
        except ImportError:
            raise UsageError("S3 needs a library that is not installed", hint="pip install 'ml-run-auditor[s3]'") from None
        self._bucket, _, prefix = str(root).partition("/")
        self._prefix = f"{prefix.rstrip('/')}/" if prefix else ""

    def put(self, path: Path, retain: dt.datetime | None) -> Put:
        """Upload one file under its digest, unless it is there."""
        try:
            value, size = digest.of_file(path)
        except OSError as error:
            raise EmptySelectionError(f"{path} cannot be read: {error.strerror}") from None
        if size > _LARGEST_UPLOAD:
            raise StoreError(f"{path} has {size} bytes; S3 takes {_LARGEST_UPLOAD} in one upload")
        key = f"{self._prefix}sha256/{value.removeprefix('sha256:')}"
        checksum = base64.b64encode(bytes.fromhex(value.removeprefix("sha256:"))).decode()
        lock: dict[str, Any] = {}
        if retain is not None:
            lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": retain}
        new = self._upload(path, key, checksum, lock)
        if not new:
            self._confirm(key, checksum, size)
        return Put(path=path, digest=value, address=f"s3://{self._bucket}/{key}", new=new)

    def _upload(self, path: Path, key: str, checksum: str, lock: dict[str, Any]) -> bool:
        """Whether the object was new. S3 itself computes the checksum, so that a file that changed meanwhile is refused."""
        try:
            with path.open("rb") as stream:
                proof = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": checksum}
                once = {"Bucket": self._bucket, "Key": key, "IfNoneMatch": "*"}
                self._system.call_s3("put_object", Body=stream, **once, **proof, **lock)
        except Exception as error:  # noqa: BLE001  (botocore has errors of its own)
            if _is_there(error):
                return False
            raise self._failed(key, error) from None
        return True

    def _confirm(self, key: str, checksum: str, size: int) -> None:
        try:
            head = self._system.call_s3("head_object", Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
        except Exception as error:  # noqa: BLE001  (the same)
            raise self._failed(key, error) from None
        known = head.get("ChecksumSHA256")
        if int(head["ContentLength"]) != size or (known is not None and known != checksum):
            raise RefusedError(f"s3://{self._bucket}/{key} holds other bytes than its name says", hint="move it away")

    def _failed(self, key: str, error: Exception) -> StoreError:
        words = redact.text(" ".join(str(error).split()))[:200]
        return StoreError(f"s3://{self._bucket}/{key} cannot be written: {words or type(error).__name__}")


def _is_there(error: BaseException) -> bool:
    """Whether S3 refused because something is there already."""
    chain = [error, error.__cause__, error.__context__]
    codes = {"PreconditionFailed", "412", "ConditionalRequestConflict"}
    for one in chain:
        answer = getattr(one, "response", None)
        if isinstance(answer, dict) and str(answer.get("Error", {}).get("Code")) in codes:
            return True
    return "PreconditionFailed" in str(error) or "pre-conditions you specified did not hold" in str(error)
