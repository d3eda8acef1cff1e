"""Reads ``.npz``: a zip archive of ``.npy`` members, stored or deflated, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.compare.errors import Refused, pickled
from auditor.compare.source import Source
from auditor.compare.tensors.archive import Archive
from auditor.compare.tensors.base import BLOCK, Array, TensorFile, flat_blocks
from auditor.compare.tensors.npy import Header, read_header


class NpzFile(TensorFile):
    """Every member of an archive, checked when it is opened."""

    def __init__(self, source: Source, archive: Archive) -> None:
        super().__init__(source)
        self._archive = archive
        _check_names(archive)
        self._members: dict[str, tuple[str, Header]] = {}
        for member, entry in archive.members.items():
            with archive.open(member) as stream:
                header = read_header(stream.read, entry.file_size)
            name = member.removesuffix(".npy")
            self._members[name] = (member, header)
        self.tensors = {name: header.info(name) for name, (_, header) in self._members.items()}

    def blocks(self, name: str, elements: int = BLOCK) -> Iterator[Array]:
        """See :meth:`TensorFile.blocks`. The archive's checksum is verified at the last block."""
        member, header = self._members[name]
        with self._archive.open(member) as stream:
            stream.read(header.offset)
            yield from flat_blocks(stream.fill, header.dtype, self.tensors[name].elements, elements)


def _check_names(archive: Archive) -> None:
    if any(name.lower().endswith((".pkl", ".pickle")) for name in archive.members):
        raise pickled("it is an archive around a pickle")
    for name in archive.members:
        if not name.endswith(".npy"):
            raise Refused(f"its member {name} is no array")
