"""Reads Parquet and Arrow (Feather) tables, one tensor per column, a batch at a time."""

from __future__ import annotations

import struct
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from auditor.compare.errors import Refused
from auditor.compare.source import Source
from auditor.compare.tensors.archive import check_ratio
from auditor.compare.tensors.base import BLOCK, Array, TensorFile, TensorInfo, flat_blocks, from_chunks
from auditor.compare.tensors.extras import missing
from auditor.compare.tensors.part import Stream
from auditor.compare.tensors.text import MISSING, SIZE, packed
from auditor.errors import UndecidableError

PARQUET: Final = b"PAR1"
ARROW: Final = b"ARROW1"

_BATCH: Final = 1 << 14
_BUFFER: Final = 1 << 20
_MAX_FOOTER: Final = 1 << 25
_MAX_COLUMNS: Final = 10_000
_MAX_READ: Final = 1 << 29
_NUMBERS: Final = {f"{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)} | {
    "bool": "bool",
    "halffloat": "float16",
    "float": "float32",
    "double": "float64",
}


# pyarrow's own errors are ValueError, OSError, KeyError and others; the Parquet reader lets plain RuntimeError through.
_BROKEN: Final = (ValueError, OSError, KeyError, TypeError, IndexError, OverflowError, MemoryError, RuntimeError)


class _Column(NamedTuple):
    """Which column a tensor comes from, and which of its sides it shows."""

    place: int
    side: Literal["numbers", "instants", "text", "missing"]
    dtype: str


class ColumnsFile(TensorFile):
    """The columns of a table.

    Numbers and booleans are themselves, dates and times the integers that store them, text, bytes and decimals ``text``. A
    column with missing values has a second tensor, ``NAME (missing)``, and is zero there.

    Raises:
        Refused: damage, or a bomb.
        UndecidableError: pyarrow is not installed; a nested or otherwise unreadable type.
    """

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        try:
            import pyarrow as pa  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise missing("a table in Parquet or Arrow", "pyarrow", "tables") from error
        self._pa = pa
        self._columns: dict[str, _Column] = {}
        self.tensors: dict[str, TensorInfo] = {}
        with _refusing():  # names that are no UTF-8 are damage, too
            schema = self._open()
            names = list(schema.names)
            if len(set(names)) != len(names) or len(names) > _MAX_COLUMNS:
                raise Refused("it names a column twice, or too many")
            columns = [_column(place, field, pa.types) for place, field in enumerate(schema)]
        self.listed = {name: "a column of nothing" for name, column in zip(names, columns, strict=True) if column is None}
        for name, column in zip(names, columns, strict=True):
            if column is not None:
                self._add(name, column)
                # The file's own statistics are not asked: they can lie, or be missing.
                if schema.field(column.place).nullable and any(array.null_count for array in self._checked(column.place)):
                    self._add(f"{name} (missing)", _Column(column.place, "missing", "bool"))
        numbers = [name for name, column in self._columns.items() if column.side in {"numbers", "instants"}]
        check_ratio(sum(self.tensors[name].nbytes for name in numbers) + self._rows() * len(names), source.size)

    def blocks(self, name: str, elements: int = BLOCK) -> Iterator[Array]:
        """See :meth:`TensorFile.blocks`."""
        info, column = self.tensors[name], self._columns[name]
        dtype = np.dtype(f"S{SIZE}" if column.side == "text" else column.dtype)
        yield from flat_blocks(from_chunks(self._content(name, column)), dtype, info.elements, elements)

    def _content(self, name: str, column: _Column) -> Iterator[bytes]:
        known = f"{name} (missing)" in self.tensors or column.side == "missing"
        for array in self._checked(column.place):
            if array.null_count and not known:
                raise Refused(f"its column {name!r} misses values where its schema says that it does not")
            with _refusing():
                yield self._packed(array, column)

    def _packed(self, array: Any, column: _Column) -> bytes:
        pa = self._pa
        if column.side == "missing":
            return bytes(array.is_null().to_numpy(zero_copy_only=False).tobytes())
        if column.side == "text":
            return _texts(array, pa)
        if column.dtype == "bool":
            return bytes(array.fill_null(False).to_numpy(zero_copy_only=False).tobytes())
        unsigned = array.view(getattr(pa, f"uint{8 * np.dtype(column.dtype).itemsize}")())
        return bytes(unsigned.fill_null(0).to_numpy(zero_copy_only=False).tobytes())

    def _checked(self, place: int) -> Iterator[Any]:
        """The column in pieces, each valid in all its parts, together as long as the table."""
        count = 0
        with _refusing():
            for array in self._arrays(place):
                array.validate(full=True)
                count += len(array)
                if count > self._rows():
                    break
                yield array
        if count != self._rows():
            raise Refused("a column of it does not have as many rows as the table declares")

    def _add(self, name: str, column: _Column) -> None:
        if name in self.tensors:
            raise Refused(f"it has two columns called {name!r}")
        rows = self._rows()
        size = SIZE if column.side == "text" else np.dtype(column.dtype).itemsize
        exact = column.side != "numbers"
        self.tensors[name] = TensorInfo(name=name, dtype=column.dtype, shape=(rows,), nbytes=rows * size, exact=exact)
        self._columns[name] = column

    @abstractmethod
    def _open(self) -> Any:
        """Read the metadata; the schema."""

    @abstractmethod
    def _rows(self) -> int:
        """How many rows the table has."""

    @abstractmethod
    def _arrays(self, place: int) -> Iterator[Any]:
        """The column in pieces."""


class ParquetFile(ColumnsFile):
    """A table in Parquet, read row group by row group."""

    def _open(self) -> Any:
        import pyarrow.parquet as pq  # noqa: PLC0415 - an extra

        if self._source.size < 12 or self._source.read(self._source.size - 4, 4) != PARQUET:
            raise Refused("it does not end as a parquet file does")
        (length,) = struct.unpack("<I", self._source.read(self._source.size - 8, 4))
        if length > min(_MAX_FOOTER, self._source.size - 8):
            raise Refused(f"it declares a footer of {length} bytes")
        limits = {"thrift_string_size_limit": _MAX_FOOTER, "thrift_container_size_limit": 1 << 20}
        stream = Stream(self._source, _MAX_READ)
        schema = pq.ParquetFile(stream, **limits).schema_arrow
        # Words are kept as references to a dictionary: spelled out, a row group of few bytes could be gigabytes.
        words = [field.name for field in schema if _is_words(field.type, self._pa.types)]
        # Not a word is read of what the footer says about single columns: where that is damaged, pyarrow ends the process.
        self._file = pq.ParquetFile(stream, read_dictionary=words, pre_buffer=False, buffer_size=_BUFFER, **limits)
        return schema

    def _rows(self) -> int:
        return int(self._file.metadata.num_rows)

    def _arrays(self, place: int) -> Iterator[Any]:
        name = self._file.schema_arrow.names[place]
        for group in range(self._file.metadata.num_row_groups):
            batches = self._file.iter_batches(_BATCH, row_groups=[group], columns=[name], use_threads=False)
            yield from (batch.column(0) for batch in batches)


class ArrowFile(ColumnsFile):
    """A table in Arrow's file format (Feather version 2), read record batch by record batch."""

    def _open(self) -> Any:
        self._reader = self._reading(None)
        self._known_rows: int | None = None
        if not len(self._reader.schema):
            raise Refused("it is a table without columns")
        return self._reader.schema

    def _reading(self, place: int | None) -> Any:
        ipc = self._pa.ipc
        options = ipc.IpcReadOptions(included_fields=None if place is None else [place], use_threads=False)
        return ipc.open_file(Stream(self._source, _MAX_READ), options=options)

    def _rows(self) -> int:
        if self._known_rows is None:
            with _refusing():
                self._known_rows = sum(len(array) for array in self._arrays(0))
        return self._known_rows

    def _arrays(self, place: int) -> Iterator[Any]:
        reader = self._reading(place)
        for number in range(reader.num_record_batches):
            array = reader.get_batch(number).column(0)
            yield from (array.slice(start, _BATCH) for start in range(0, len(array), _BATCH))


@contextmanager
def _refusing() -> Iterator[None]:
    """Whatever pyarrow makes of a damaged file is a refusal."""
    try:
        yield
    except _BROKEN as error:
        raise Refused("it is damaged: pyarrow cannot read it") from error


def _is_words(kind: Any, types: Any) -> bool:
    return bool(types.is_string(kind) or types.is_binary(kind) or types.is_large_string(kind) or types.is_large_binary(kind))


def _column(place: int, field: Any, types: Any) -> _Column | None:
    """How a column is read; None for one of type null, which holds nothing."""
    kind = field.type
    if str(kind) in _NUMBERS:
        return _Column(place, "numbers", _NUMBERS[str(kind)])
    if types.is_date32(kind) or types.is_time32(kind):
        return _Column(place, "instants", "int32")
    if types.is_timestamp(kind) or types.is_date64(kind) or types.is_time64(kind) or types.is_duration(kind):
        return _Column(place, "instants", "int64")
    words = kind.value_type if types.is_dictionary(kind) else kind
    if _is_words(words, types) or types.is_fixed_size_binary(kind) or types.is_decimal(kind):
        return _Column(place, "text", "text")
    if types.is_null(kind):
        return None
    reason = "a nested type" if types.is_nested(kind) else "a type without elements of one size"
    raise UndecidableError(f"its column {field.name!r} has {reason}, {str(kind)[:200]}, which cannot be compared")


def _texts(array: Any, pa: Any) -> bytes:
    if not pa.types.is_dictionary(array.type):
        return b"".join(_text(value) for value in array.to_pylist())
    indices = array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    used, inverse = np.unique(indices, return_inverse=True)
    words = array.dictionary.take(pa.array(used[used >= 0])).to_pylist()
    elements = np.array([MISSING] * int((used < 0).sum()) + [_text(word) for word in words], dtype=f"S{SIZE}")
    return elements[inverse].tobytes()


def _text(value: Any) -> bytes:
    if value is None:
        return MISSING
    return packed(value if isinstance(value, bytes) else str(value).encode())
