"""Reads tables of predictions and labels: CSV and one-dimensional npy, row by row, within limits."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from auditor.compare.errors import Refused
from auditor.compare.source import Source
from auditor.errors import UndecidableError

Role = Literal["id", "label", "prediction", "probability"]
Number = int | float

CONVENTION: Final[dict[Role, tuple[str, ...]]] = {
    "id": ("id", "row_id", "sample_id", "example_id"),
    "label": ("label", "target", "y", "y_true", "labels"),
    "prediction": ("prediction", "pred", "y_pred", "predicted", "predictions"),
    "probability": ("probability", "prob", "proba", "score", "y_score", "y_prob"),
}
"""Names that mean a role when the manifest declares none, most telling first."""

ANONYMOUS: Final = ""
"""The name of the only column of an npy file: it is whatever the table is asked for."""

_DELIMITERS: Final = {".csv": ",", ".tsv": "\t"}
_MAX_LINE: Final = 1 << 20
_MAX_COLUMNS: Final = 100_000
_MAX_LOADED_ROWS: Final = 5_000_000
# At most this many characters are ever taken for a number: Python's own integers grow without bound.
_MAX_NUMBER: Final = 400
_INTEGER: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_FLOAT: Final = re.compile(
    r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(inf|infinity|nan)", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """An open table: the column names, and the rows as text, each as long as ``header``."""

    header: tuple[str, ...]
    rows: Iterator[Sequence[str]]

    def column(self, role: Role, declared: str | None = None) -> str | None:
        """The name of the column with this role: the declared one, else the first conventional one, else None.

        Raises:
            Refused: the declared column does not exist.
        """
        if self.header == (ANONYMOUS,):
            return None if role == "id" else ANONYMOUS
        if declared is not None:
            if declared not in self.header:
                raise Refused(f"it has no column {declared}, only {', '.join(self.header[:20])}")
            return declared
        return next((name for name in CONVENTION[role] if name in self.header), None)


@contextmanager
def open_table(path: Path) -> Iterator[Table]:
    """The table in a ``.csv``, ``.tsv`` (UTF-8, a header line) or ``.npy`` file (one dimension).

    Raises:
        EmptySelectionError: there is no such file.
        Refused: not a regular file, or not a table of this form; the rows raise it, too, when they are reached.
        UndecidableError: another format.
    """
    suffix = path.suffix.lower()
    if suffix == ".npy":
        with _npy(path) as table:
            yield table
        return
    with Source(path) as source:
        if suffix not in _DELIMITERS:
            raise UndecidableError(f"tables are read from csv, tsv and npy, not from {suffix or 'a file without suffix'}")
        with io.TextIOWrapper(io.BufferedReader(_Bytes(source)), encoding="utf-8-sig", newline="") as text:
            rows = _rows(text, _DELIMITERS[suffix])
            header = tuple(next(rows, ()))
            if not header:
                raise Refused("it is empty; a table has a header line")
            if len(set(header)) != len(header) or len(header) > _MAX_COLUMNS:
                raise Refused("its header names a column twice, or too many")
            yield Table(header=header, rows=_checked(rows, len(header)))


def read_columns(table: Table, names: Sequence[str]) -> dict[str, list[str]]:
    """The values of some columns, whole.

    Raises:
        Refused: a malformed row, or more rows than are ever loaded.
    """
    places = {name: table.header.index(name) for name in names}
    columns: dict[str, list[str]] = {name: [] for name in names}
    for count, row in enumerate(table.rows, start=1):
        if count > _MAX_LOADED_ROWS:
            raise Refused(f"it has more than {_MAX_LOADED_ROWS} rows")
        for name, place in places.items():
            columns[name].append(row[place])
    return columns


def number(text: str) -> Number | None:
    """The number that ``text`` writes (NaN and infinity included), an exact integer where it is one; None for other text."""
    text = text.strip()
    if len(text) > _MAX_NUMBER:
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else None


class _Bytes(io.RawIOBase):
    """The file as a raw stream for the text decoder."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what io.BufferedReader passes
        length = min(len(buffer), self._source.size - self._position)
        if length > 0:
            self._source.read_into(memoryview(buffer)[:length], self._position)
            self._position += length
        return max(0, length)


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    try:
        while line := text.readline(_MAX_LINE + 1):
            if len(line) > _MAX_LINE:
                raise Refused(f"it has a line of more than {_MAX_LINE} characters")
            yield line
    except UnicodeDecodeError as error:
        raise Refused("it is not UTF-8 text") from error


def _rows(text: io.TextIOWrapper, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(_lines(text), delimiter=delimiter, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise Refused(f"line {reader.line_num} is no row of a table: {error}") from error


def _checked(rows: Iterator[list[str]], width: int) -> Iterator[list[str]]:
    blank = 0
    for place, row in enumerate(rows, start=1):
        if not row:
            blank = blank or place
            continue
        if blank:
            raise Refused(f"row {blank} is blank")
        if len(row) != width:
            raise Refused(f"row {place} has {len(row)} fields where the header has {width}")
        yield row


@contextmanager
def _npy(path: Path) -> Iterator[Table]:
    from auditor.compare.tensors import open_tensors  # noqa: PLC0415 - numpy is loaded for arrays only

    with open_tensors(path) as file:
        if list(file.tensors) != [ANONYMOUS] or len(shape := file.tensors[ANONYMOUS].shape) - shape[1:].count(1) != 1:
            raise Refused("it is no one-dimensional array")
        values = (value for block in file.blocks(ANONYMOUS) for value in block.tolist())
        yield Table(header=(ANONYMOUS,), rows=((value if isinstance(value, str) else repr(value),) for value in values))
