"""Opens tables of predictions and labels, and finds out what their columns are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from auditor.compare.errors import Refused
from auditor.compare.rows.delimited import delimited_rows
from auditor.compare.rows.jsonl import jsonl_rows
from auditor.compare.rows.parquet import parquet_rows
from auditor.compare.source import Source
from auditor.errors import UndecidableError

Role = Literal["id", "label", "prediction", "probability", "logarithm"]
Number = int | float

CONVENTION: Final[dict[Role, tuple[str, ...]]] = {
    "id": ("id", "row_id", "sample_id", "example_id"),
    "label": ("label", "target", "y", "y_true", "labels"),
    "prediction": ("prediction", "pred", "y_pred", "predicted", "predictions"),
    "probability": ("probability", "prob", "proba", "score", "y_score", "y_prob", "probabilities", "probs"),
    "logarithm": ("logprob", "log_prob", "log_probability", "token_logprob", "logprobs"),
}
"""Names that mean a role when the manifest declares none, most telling first. ``logarithm``: of a token's probability."""

ANONYMOUS: Final = ""
"""The name of the only column of a one-dimensional npy file: it is whatever the table is asked for."""

TABLE_SUFFIXES: Final = frozenset({".csv", ".tsv", ".jsonl", ".ndjson", ".parquet"})
"""Files that can only be tables. An npy or npz file can be one, too."""

_DELIMITERS: Final = {".csv": ",", ".tsv": "\t"}
_ARRAYS: Final = frozenset({".npy", ".npz"})
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

    def classes(self, declared: str | None = None) -> dict[str, str]:
        """The columns with one class's probability each, by class: ``proba_cat`` and ``proba_dog`` where no ``proba`` is.

        ``declared`` is what they have in common (``proba``), else the first conventional name that at least two begin with.
        """
        for name in CONVENTION["probability"] if declared is None else (declared,):
            begins = re.compile(re.escape(name) + r"[_:./ -](.+)", re.DOTALL)
            found = {match[1]: column for column in self.header if (match := begins.fullmatch(column))}
            if name not in self.header and len(found) > 1:
                return found
        return {}


@contextmanager
def open_table(path: Path) -> Iterator[Table]:
    """The table in a csv, tsv, jsonl, ndjson, parquet, npy or npz file: see :mod:`auditor.compare.rows`.

    Raises:
        EmptySelectionError: there is no such file.
        Refused: not a regular file, or not a table of this form; the rows raise it, too, when they are reached.
        UndecidableError: another format, or one whose library is not installed.
    """
    suffix = path.suffix.lower()
    if suffix in _ARRAYS:
        # numpy is loaded for arrays only
        from auditor.compare.rows.arrays import array_rows  # noqa: PLC0415
        from auditor.compare.tensors import open_tensors  # noqa: PLC0415

        with open_tensors(path) as file:
            header, rows = array_rows(file)
            yield Table(header=header, rows=rows)
        return
    with Source(path) as source:
        header, rows = _rows(source, suffix)
        yield Table(header=header, rows=rows)


def _rows(source: Source, suffix: str) -> tuple[tuple[str, ...], Iterator[Sequence[str]]]:
    match suffix:
        case ".csv" | ".tsv":
            return delimited_rows(source, _DELIMITERS[suffix])
        case ".jsonl" | ".ndjson":
            return jsonl_rows(source)
        case ".parquet":
            return parquet_rows(source)
        case _:
            known = ", ".join(sorted(name.lstrip(".") for name in TABLE_SUFFIXES | _ARRAYS))
            raise UndecidableError(f"tables are read from {known}, not from {suffix or 'a file without suffix'}")


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
