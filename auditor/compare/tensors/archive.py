"""Reads zip archives in bounded memory: what npz files, PyTorch checkpoints and Keras models are."""

from __future__ import annotations

import struct
import zipfile
import zlib
from bisect import bisect_right
from itertools import pairwise
from typing import IO, Final, Self

from auditor.compare.errors import Refused
from auditor.compare.source import Source
from auditor.compare.tensors.part import Stream

MAX_RATIO: Final = 200
"""How many times its own size a file may declare in tensors; honest small ones (zeros deflate at 1,000 : 1) may more."""
FREE_BYTES: Final = 1 << 28

# The largest single read that zipfile may ask for is the central directory: 8 MiB are about 100,000 members.
_MAX_READ: Final = 1 << 23
_LOCAL: Final = struct.Struct("<4s5H3I2H")
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


class Archive:
    """An archive whose directory was checked: no name twice, none outside, no overlap, stored or deflated, no bomb.

    Raises:
        Refused: any of that.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        try:
            self._zip = zipfile.ZipFile(Stream(source, _MAX_READ))
        except _BROKEN as error:
            raise Refused("it is no readable zip archive") from error
        members = self._zip.infolist()
        _check_members(members, source.size)
        self.members = {member.filename: member for member in members}
        self._starts = [*sorted(member.header_offset for member in members), self._zip.start_dir]

    def open(self, name: str) -> Member:
        """The content of a member, inflated as it is read; its checksum is verified at its end."""
        return Member(self._zip, self.members[name])

    def read(self, name: str, limit: int) -> bytes:
        """The whole content of a member.

        Raises:
            Refused: it is longer than ``limit`` bytes, or damaged.
        """
        size = self.members[name].file_size
        if size > limit:
            raise Refused(f"its member {name} of {size} bytes is larger than {limit}")
        with self.open(name) as stream:
            content = stream.read(size)
            stream.expect_end()
        return content

    def offset(self, name: str) -> int:
        """Where in the file the bytes of a *stored* member begin; they are as many as the directory says.

        Raises:
            Refused: it is deflated, or its own header contradicts the directory.
        """
        member = self.members[name]
        if member.compress_type != zipfile.ZIP_STORED:
            raise Refused(f"its member {name} is compressed where the format stores it")
        header = _LOCAL.unpack(self._source.read(member.header_offset, _LOCAL.size))
        begin: int = member.header_offset + _LOCAL.size
        called = self._source.read(begin, header[9])
        if header[0] != b"PK\x03\x04" or header[3] != zipfile.ZIP_STORED or called != _encoded(member):
            raise Refused(f"the header of its member {name} contradicts the archive's directory")
        start: int = begin + header[9] + header[10]
        after = bisect_right(self._starts, member.header_offset)
        if start + member.file_size > self._starts[after]:
            raise Refused(f"its member {name} runs into what follows it")
        return start


def _encoded(member: zipfile.ZipInfo) -> bytes:
    return member.orig_filename.encode("utf-8" if member.flag_bits & 0x800 else "cp437")


class Member:
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
        """Fill ``view`` with the bytes that come next."""
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
        """The ``length`` bytes that come next. The caller bounds ``length``."""
        buffer = bytearray(length)
        self.fill(memoryview(buffer))
        return bytes(buffer)

    def expect_end(self) -> None:
        """Verify the checksum, which zipfile does when it meets the end."""
        try:
            if self._stream.read(1):
                raise Refused(f"its member {self._name} is longer than it declares")
        except _BROKEN as error:
            raise Refused(f"its member {self._name} is damaged") from error


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse what no writer of tensors produces, from the directory alone, before anything is decompressed."""
    seen: set[str] = set()
    for member in members:
        if member.filename in seen:
            raise Refused(f"it has two members called {member.filename}")
        seen.add(member.filename)
        _check_member(member)
        if not 0 <= member.header_offset < size:
            raise Refused(f"its member {member.filename} lies outside the archive")
    ordered = sorted(members, key=lambda member: member.header_offset)
    for member, following in pairwise(ordered):
        if member.header_offset + member.compress_size > following.header_offset:
            raise Refused(f"its members {member.filename} and {following.filename} overlap")
    check_ratio(sum(member.file_size for member in members), size)


def check_ratio(declared: int, size: int) -> None:
    """Refuse a file of ``size`` bytes that declares ``declared`` bytes of tensors if no honest one does."""
    if declared > max(FREE_BYTES, MAX_RATIO * size):
        raise Refused(
            f"its {size} bytes declare {declared} bytes of arrays, more than {MAX_RATIO} times as many",
            hint="store large arrays of repeated values uncompressed (numpy.savez, safetensors)",
        )


def _check_member(member: zipfile.ZipInfo) -> None:
    name = member.filename
    if name.startswith("/") or "\\" in name or ".." in name.split("/"):
        raise Refused(f"its member {name} has the name of a path outside")
    if member.flag_bits & 0x1:
        raise Refused(f"its member {name} is encrypted")
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise Refused(f"its member {name} is neither stored nor deflated")
    if member.compress_type == zipfile.ZIP_STORED and member.compress_size != member.file_size:
        raise Refused(f"its member {name} is stored with two different sizes")
