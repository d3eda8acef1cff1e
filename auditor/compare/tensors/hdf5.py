"""Reads HDF5: Keras weights (``.h5``, ``.weights.h5``, inside ``.keras``) and any other file of plain datasets.

The h5py library reads the file's structure, through a window on the open file; contiguous datasets are then read past it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from auditor.compare.errors import Refused
from auditor.compare.source import Source
from auditor.compare.tensors.archive import Archive, check_ratio
from auditor.compare.tensors.base import (
    BLOCK,
    MAX_DIMENSIONS,
    Array,
    Raw,
    TensorFile,
    TensorInfo,
    flat_blocks,
    from_chunks,
    sequential,
    stored_plainly,
)
from auditor.compare.tensors.extras import missing
from auditor.compare.tensors.part import Part, Stream
from auditor.errors import UndecidableError

MAGIC: Final = b"\x89HDF\r\n\x1a\n"
KERAS_MEMBER: Final = "model.weights.h5"
"""Where a ``.keras`` archive keeps its weights."""

_MAX_DATASETS: Final = 100_000
_MAX_DEPTH: Final = 64
_MAX_CHUNK: Final = 1 << 26
# What is read at once, and what the library keeps of inflated chunks, where chunks are no larger.
_SLAB: Final = 1 << 22
# Deflate, shuffle, Fletcher-32, szip, n-bit, scale-offset and LZF come with the library. Any other filter would be loaded
# as a plug-in from wherever the environment says.
_FILTERS: Final = frozenset({1, 2, 3, 4, 5, 6, 32000})
# Whatever the C library makes of a damaged file comes as one of these.
_BROKEN: Final = (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError, MemoryError, SystemError)


class Hdf5File(TensorFile):
    """Every dataset, named by its path. Links that are no datasets, and datasets without elements to name, are ``listed``.

    Raises:
        Refused: data outside the file (external or virtual), a filter that is none of the library's own, a bomb, damage.
        UndecidableError: h5py is not installed; a dtype without elements of one size.
    """

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        try:
            import h5py  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise missing("HDF5", "h5py", "hdf5") from error
        self._h5py = h5py
        self._places: dict[str, tuple[np.dtype[Any], int | None]] = {}
        self.tensors: dict[str, TensorInfo] = {}
        self.listed: dict[str, str] = {}
        with _refusing():
            self._file = h5py.File(Stream(source, _MAX_CHUNK), "r", rdcc_nbytes=4 * _SLAB)
        try:
            with _refusing():
                self._walk()
            check_ratio(sum(info.nbytes for info in self.tensors.values()), source.size)
        except BaseException:
            self._close()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._close()
        super().__exit__(kind, error, trace)

    def blocks(self, name: str, elements: int = BLOCK) -> Iterator[Array]:
        """See :meth:`TensorFile.blocks`. Chunked datasets are read a few chunks at a time."""
        info, (stored, offset) = self.tensors[name], self._places[name]
        fill = from_chunks(self._slabs(name)) if offset is None else sequential(self._source, offset)
        yield from flat_blocks(fill, stored, info.elements, elements)

    def raw(self, name: str) -> Raw | None:
        """See :meth:`TensorFile.raw`."""
        stored, offset = self._places[name]
        return None if offset is None else stored_plainly(self._source, offset, stored, self.tensors[name])

    def _slabs(self, name: str) -> Iterator[memoryview]:
        """What a dataset holds. It is opened for this alone: the library keeps a cache for each open one."""
        with _refusing():
            yield from _slabs(self._file[name])

    def _close(self) -> None:
        with _refusing():
            self._file.close()

    def _walk(self) -> None:
        pending: list[tuple[str, Any, frozenset[Any]]] = [("", self._file["/"], frozenset())]
        visited = 0
        while pending:
            path, group, above = pending.pop()
            visited += 1
            if group.id in above or len(above) > _MAX_DEPTH:
                raise Refused("its groups contain each other, or nest too deeply")
            within = above | {group.id}
            for key in reversed(list(group)):
                name = f"{path}/{key}" if path else str(key)
                found = self._member(group, key, name)
                if found is not None:
                    pending.append((name, found, within))
                if len(self.tensors) + len(self.listed) + len(pending) + visited > _MAX_DATASETS:
                    raise Refused(f"it has more than {_MAX_DATASETS} datasets and groups")
        self.tensors = dict(sorted(self.tensors.items()))

    def _member(self, group: Any, key: str, name: str) -> Any:
        """Take up a dataset; a group is returned, to be walked."""
        link = group.get(key, getlink=True)
        if isinstance(link, self._h5py.ExternalLink):
            raise Refused(f"its {name!r} is a link to another file")
        if isinstance(link, self._h5py.SoftLink):
            self.listed[name] = "a soft link"
            return None
        found = group[key]
        if isinstance(found, self._h5py.Group):
            return found
        if not isinstance(found, self._h5py.Dataset):
            self.listed[name] = "a named datatype"
            return None
        self._take(name, found)
        return None

    def _take(self, name: str, dataset: Any) -> None:
        """Steps: 1 its bytes are in this file, 2 no foreign filter, 3 chunks of bounded size, 4 elements of one size."""
        if dataset.is_virtual or dataset.external:
            raise Refused(f"its dataset {name!r} keeps its data in other files")
        properties = dataset.id.get_create_plist()
        filters = {properties.get_filter(place)[0] for place in range(properties.get_nfilters())}
        if filters - _FILTERS:
            raise Refused(f"its dataset {name!r} needs the filter {min(filters - _FILTERS)}, which is not the library's own")
        if dataset.shape is None:
            self.listed[name] = "an empty dataset"
            return
        dtype = dataset.dtype
        if dtype.hasobject or dtype.itemsize == 0:
            raise UndecidableError(f"its dataset {name!r} holds elements without a fixed size, which cannot be compared")
        if dataset.chunks and math.prod(dataset.chunks) * dtype.itemsize > _MAX_CHUNK:
            raise Refused(f"its dataset {name!r} has chunks of more than {_MAX_CHUNK} bytes")
        if len(dataset.shape) > MAX_DIMENSIONS:
            raise Refused(f"its dataset {name!r} has an impossible shape")
        self.tensors[name] = _described(name, dataset)
        self._places[name] = dtype, self._offset(dataset, filters)

    def _offset(self, dataset: Any, filters: set[int]) -> int | None:
        """Where the elements begin in the file, if they lie there one after the other as numpy would store them."""
        offset = dataset.id.get_offset()
        plain = dataset.dtype.kind in "fciu" and dataset.chunks is None and not filters
        if offset is None or not plain or dataset.id.get_storage_size() != dataset.nbytes:
            return None
        if not _is_numpys(dataset, self._h5py):
            return None
        if offset + dataset.nbytes > self._source.size:
            raise Refused(f"its dataset {dataset.name!r} lies beyond the end of the file")
        return int(offset)


class KerasFile(Hdf5File):
    """The weights in a ``.keras`` archive; configuration and assets are ``listed``."""

    def __init__(self, source: Source, archive: Archive) -> None:
        offset = archive.offset(KERAS_MEMBER)
        super().__init__(Part(source, offset, archive.members[KERAS_MEMBER].file_size))
        self.listed |= {name: "a file" for name in archive.members if name != KERAS_MEMBER}


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise Refused("it is damaged: the HDF5 library cannot read it") from error


def _is_numpys(dataset: Any, h5py: Any) -> bool:
    """Whether the stored type is the one that its numpy dtype would have, bit for bit (custom floats are converted)."""
    stored = dataset.id.get_type()
    same: bool = stored.equal(h5py.h5t.py_create(dataset.dtype))
    return same


def _described(name: str, dataset: Any) -> TensorInfo:
    dtype = dataset.dtype.newbyteorder("=")
    called = dtype.name if dtype.kind in "fciub" else str(dtype) if dtype.names else dtype.str.lstrip("<>|=")
    nbytes = math.prod(dataset.shape) * dtype.itemsize
    return TensorInfo(name=name, dtype=called, shape=tuple(map(int, dataset.shape)), nbytes=nbytes)


def _slabs(dataset: Any) -> Iterator[memoryview]:
    """The bytes of a dataset in index order, read in boxes of bounded size whose leading indices are fixed."""
    shape, size = dataset.shape, dataset.dtype.itemsize
    limit = max(_SLAB, math.prod(dataset.chunks or (1,)) * size)
    fixed = next(n for n in range(len(shape) + 1) if math.prod(shape[n + 1 :]) * size <= limit)
    if fixed >= len(shape):
        yield _bytes(dataset[()])
        return
    rows = max(1, limit // max(1, math.prod(shape[fixed + 1 :]) * size))
    step = _whole_chunks(dataset.chunks, fixed, rows)
    for index in np.ndindex(*shape[:fixed]):
        for start in range(0, shape[fixed], step):
            yield _bytes(dataset[(*index, slice(start, start + step))])


def _whole_chunks(chunks: tuple[int, ...] | None, axis: int, rows: int) -> int:
    """At most ``rows``, and a whole number of chunks where that many fit, so that no chunk is inflated twice."""
    return rows - rows % chunks[axis] if chunks and rows >= chunks[axis] else rows


def _bytes(values: Any) -> memoryview:
    array = np.ascontiguousarray(values)
    return array.reshape(-1).view(np.uint8).data
