"""The one reader of YAML and JSON: one text, one meaning, and a place for everything in it.

What it refuses, it refuses with line, column and the way out: duplicate keys, tags, merge keys, several documents, keys
that are not text, numbers that are not finite or not exact, scalars that readers of YAML take differently (``1e-4``,
``0123``, ``no``), and whatever is larger, deeper or more than :class:`~auditor.manifest.limits.Limits` allow, before
anything of that size has been built.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

from auditor import digest
from auditor.errors import UnreadableError
from auditor.manifest import json_text, yaml_text
from auditor.manifest.limits import DEFAULT, Limits
from auditor.manifest.places import Place, Spot
from auditor.manifest.shown import clean

_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document that was read. ``value`` is plain (dict, list, str, int, float, bool, None) and shared: do not change it.

    ``bytes_digest`` covers the bytes as they were given; :attr:`digest` covers what they mean.
    """

    source: str
    value: Any
    format: Literal["yaml", "json"]
    bytes_digest: str
    text: str = field(repr=False, compare=False)
    limits: Limits = field(default=DEFAULT, repr=False, compare=False)

    @cached_property
    def digest(self) -> str:
        """Digest of the canonical (RFC 8785) form: comments, layout and key order change nothing."""
        return digest.of_value(self.value)

    def place(self, pointer: str) -> Place | None:
        """Line and column, from 1, of the node at the JSON Pointer, else of its nearest ancestor that exists."""
        return self._spots.find(pointer)

    @cached_property
    def _spots(self) -> Spot:
        # Found by a second pass on demand: most documents are read without anybody asking.
        if self.format == "json":
            return json_text.places(self.text, source=self.source, limits=self.limits)
        return yaml_text.places(self.text)


def read(raw: bytes, *, source: str, limits: Limits = DEFAULT) -> Document:
    """The document in ``raw``: JSON when ``source`` ends in ``.json``, YAML otherwise.

    Raises:
        UnreadableError: with the place of the defect and what to do about it.
    """
    if len(raw) > limits.size:
        raise _too_large(source, len(raw), limits)
    text = _decode(raw, source)
    if not text.strip():
        raise UnreadableError("the file is empty", source=source, line=1, column=1, hint="write a document into it")
    if source.lower().endswith(".json"):
        value, form = json_text.parse(text, source=source, limits=limits), "json"
    else:
        value, form = yaml_text.parse(text, source=source, limits=limits), "yaml"
    return Document(
        source=source,
        value=value,
        format="json" if form == "json" else "yaml",
        bytes_digest=digest.of_bytes(raw),
        text=text,
        limits=limits,
    )


def read_file(path: Path, *, source: str | None = None, limits: Limits = DEFAULT) -> Document:
    """The document in the regular file at ``path``; a link is followed, its target must be a regular file, too.

    Raises:
        UnreadableError: as :func:`read`, and for whatever is not a readable regular file of bounded size.
    """
    name = clean(os.fsencode(path).decode("utf-8", "backslashreplace")) if source is None else source
    try:
        _refuse_irregular(os.stat(path), name, limits)  # noqa: PTH116  # before open: opening a device can act on it
        # O_NONBLOCK: a FIFO put here since the stat must not hold the auditor up.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        with os.fdopen(handle, "rb") as stream:
            _refuse_irregular(os.fstat(handle), name, limits)
            raw = stream.read(limits.size + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UnreadableError(
            f"cannot be read: {reason}", source=name, hint="check that the path exists and that you may read it"
        ) from error
    return read(raw, source=name, limits=limits)


def _refuse_irregular(status: os.stat_result, source: str, limits: Limits) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableError("is a directory, not a file", source=source, hint="name a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableError("is not a regular file", source=source, hint="name a regular file, no device, pipe or socket")
    if status.st_size > limits.size:
        raise _too_large(source, status.st_size, limits)


def _too_large(source: str, size: int, limits: Limits) -> UnreadableError:
    return UnreadableError(
        f"is too large: {size:,} bytes, at most {limits.size:,} are read",
        source=source,
        hint="keep data out of the document; name it by path and digest",
    )


def _decode(raw: bytes, source: str) -> str:
    """UTF-8 text without its byte order mark."""
    raw = raw.removeprefix(_BOM)
    nul = raw.find(0)
    if nul >= 0:
        raise _undecodable("is binary: it holds a NUL byte", raw, nul, source)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise _undecodable(f"is not UTF-8: byte 0x{raw[error.start]:02x}", raw, error.start, source) from error


def _undecodable(message: str, raw: bytes, offset: int, source: str) -> UnreadableError:
    start = raw.rfind(b"\n", 0, offset) + 1
    return UnreadableError(
        message,
        source=source,
        line=raw.count(b"\n", 0, offset) + 1,
        column=len(raw[start:offset].decode("utf-8", "replace")) + 1,
        hint="save it as UTF-8 text",
    )
