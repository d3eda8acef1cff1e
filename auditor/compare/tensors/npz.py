"""Reads ``.npz``: a zip archive of ``.npy`` members, stored or deflated, in bounded memory."""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import IO, Any, Final, Self

from auditor.compare.errors import Refused, pickled
from auditor.compare.source import Source
from auditor.compare.tensors.base import BLOCK, Array, TensorFile, flat_blocks
from auditor.compare.tensors.npy import Header, read_header

# The largest single read that zipfile may ask for is the central directory: 8 MiB are about 100,000 arrays.
_MAX_READ: Final = 1 << 23
# Deflate reaches 1,000 : 1 on zeros, which honest archives hold: small ones may, larger ones must stay below MAX_RATIO.
_FREE_BYTES: Final = 1 << 28
_MAX_RATIO: Final = 200
_BROKEN: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
    OverflowError,
    ValueError,
)


class NpzFile(TensorFile):
    """Every member of an archive, checked when it is opened."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        try:
            self._zip = zipfile.ZipFile(_Window(source))
        except _BROKEN as error:
            raise Refused("it is no readable zip archive") from error
        members = self._zip.infolist()
        _check_members(members, source.size)
        self._members: dict[str, tuple[zipfile.ZipInfo, Header]] = {}
        for member in members:
            name = member.filename.removesuffix(".npy")
            with _Member(self._zip, member) as stream:
                header = read_header(stream.read, member.file_size)
            self._members[name] = (member, header)
        self.tensors = {name: header.info(name) for name, (_, header) in self._members.items()}

    def blocks(self, name: str, elements: int = BLOCK) -> Iterator[Array]:
        """See :meth:`TensorFile.blocks`. The archive's checksum is verified at the last block."""
        member, header = self._members[name]
        with _Member(self._zip, member) as stream:
            stream.read(header.offset)
            yield from flat_blocks(stream.fill, header.dtype, self.tensors[name].elements, elements)


class _Member:
    """A sequential reader of one member; everything that can go wrong in it is a refusal."""

    def __init__(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        self._name = member.filename
        try:
            self._stream: IO[bytes] = archive.open(member)
        except _BROKEN as error:
            raise Refused(f"its member {self._name} cannot be opened") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def fill(self, view: memoryview) -> None:
        try:
            while view:
                content = self._stream.read(min(len(view), _MAX_READ))
                if not content:
                    raise Refused(f"its member {self._name} ends before the data that it declares")
                view[: len(content)] = content
                view = view[len(content) :]
        except _BROKEN as error:
            raise Refused(f"its member {self._name} is damaged") from error

    def read(self, length: int) -> bytes:
        buffer = bytearray(length)
        self.fill(memoryview(buffer))
        return bytes(buffer)


class _Window(io.RawIOBase):
    """What zipfile sees of the file: no read is larger than ``_MAX_READ``, whatever a directory declares."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._position = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._source.size}[whence]
        if start + offset < 0:
            raise ValueError("a seek before the beginning")
        self._position = start + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self._source.size - self._position)
        length = left if size is None or size < 0 else min(size, left)
        if length > _MAX_READ:
            raise ValueError(f"a directory of {length} bytes")
        content = self._source.read(self._position, length)
        self._position += length
        return content

    def readinto(self, buffer: Any) -> int:
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse what no writer of arrays produces, from the directory alone, before anything is decompressed."""
    names = [member.filename for member in members]
    if any(name.lower().endswith((".pkl", ".pickle")) for name in names):
        raise pickled("it is an archive around a pickle")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise Refused(f"it has two members called {twice}")
    for member in members:
        _check_member(member)
    ordered = sorted(members, key=lambda member: member.header_offset)
    for member, following in pairwise(ordered):
        if member.header_offset + member.compress_size > following.header_offset:
            raise Refused(f"its members {member.filename} and {following.filename} overlap")
    declared = sum(member.file_size for member in members)
    if declared > max(_FREE_BYTES, _MAX_RATIO * size):
        raise Refused(
            f"its {size} bytes declare {declared} bytes of arrays, more than {_MAX_RATIO} times as many",
            hint="store large arrays of repeated values uncompressed (numpy.savez, safetensors)",
        )


def _check_member(member: zipfile.ZipInfo) -> None:
    name = member.filename
    if not name.endswith(".npy"):
        raise Refused(f"its member {name} is no array")
    if name.startswith("/") or "\\" in name or ".." in name.split("/"):
        raise Refused(f"its member {name} has the name of a path outside")
    if member.flag_bits & 0x1:
        raise Refused(f"its member {name} is encrypted")
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise Refused(f"its member {name} is neither stored nor deflated")
    if member.compress_type == zipfile.ZIP_STORED and member.compress_size != member.file_size:
        raise Refused(f"its member {name} is stored with two different sizes")
