"""Reads Parquet by pyarrow (extra ``tables``): flat columns of numbers, text and times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from auditor.compare.errors import Refused
from auditor.compare.rows.delimited import MAX_COLUMNS
from auditor.compare.rows.stream import Stream
from auditor.compare.source import Source
from auditor.errors import UndecidableError

MAX_ROWS: Final = 5_000_000
_CELLS: Final = 1 << 20
# Compressed columns of repeated values are honest and small; larger ones must stay below the ratio.
_FREE_BYTES: Final = 1 << 28
_MAX_RATIO: Final = 200
_MAX_FOOTER: Final = 1 << 24


def parquet_rows(source: Source) -> tuple[tuple[str, ...], Iterator[Sequence[str]]]:
    """The header and the rows.

    Raises:
        Refused: no Parquet, nested columns, more rows or bytes than are ever read; the rows raise it, too.
        UndecidableError: pyarrow is not installed.
    """
    arrow, parquet = _pyarrow()
    try:
        probe = parquet.ParquetFile(
            Stream(source), thrift_string_size_limit=_MAX_FOOTER, thrift_container_size_limit=MAX_COLUMNS * 10
        )
        _check(probe.metadata, source.size)
        schema = probe.schema_arrow
        header = tuple(schema.names)
        text = [field.name for field in schema if _is_text(arrow, field)]
        # Text stays in its dictionary: a value that is repeated is held once, however large it is.
        file = parquet.ParquetFile(Stream(source), metadata=probe.metadata, read_dictionary=text)
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise Refused("it is no readable Parquet file") from error
    if not header or len(set(header)) != len(header):
        raise Refused("its columns are none, or two have the same name")
    return header, _rows(arrow, file, len(header))


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # noqa: PLC0415 - only who reads Parquet pays for it
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise UndecidableError(
            "Parquet is read by pyarrow, which is not installed", hint="pip install 'ml-run-auditor[tables]'"
        ) from error
    return pa, parquet


def _check(metadata: Any, size: int) -> None:
    """Refuse by the footer alone. What it says of sizes can be a lie, which ends where pages are decompressed: at 2 GiB."""
    if metadata.num_rows > MAX_ROWS:
        raise Refused(f"it has more than {MAX_ROWS} rows")
    if metadata.num_columns > MAX_COLUMNS:
        raise Refused("it has too many columns")
    declared = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    if declared > max(_FREE_BYTES, _MAX_RATIO * size):
        raise Refused(f"its {size} bytes declare {declared} bytes of columns, more than {_MAX_RATIO} times as many")


def _is_text(arrow: Any, field: Any) -> bool:
    """Whether a column is text; columns that no table of predictions has are refused."""
    types, kind = arrow.types, field.type
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_string(kind) or types.is_large_string(kind):
        return True
    if types.is_primitive(kind) or types.is_decimal(kind) or types.is_null(kind):  # numbers, truth values, times
        return False
    raise Refused(
        f"its column {field.name} holds {field.type}, not a number, a text or a time", hint="write one column per element"
    )


def _rows(arrow: Any, file: Any, width: int) -> Iterator[Sequence[str]]:
    try:
        for batch in file.iter_batches(batch_size=max(1, _CELLS // width)):
            batch.validate(full=True)  # places in a dictionary, offsets and UTF-8 are the file's word until then
            yield from zip(*(_cells(column) for column in batch.columns), strict=True)
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise Refused("it is damaged") from error


def _cells(column: Any) -> list[str]:
    values = column.dictionary.to_pylist() if hasattr(column, "dictionary") else None
    if values is None:
        return [_text(value) for value in column.to_pylist()]
    texts = [_text(value) for value in values]
    return ["" if place is None else texts[place] for place in column.indices.to_pylist()]


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case float():
            return repr(value)
        case _:  # integers, decimals, truth values, dates and times
            return str(value)
