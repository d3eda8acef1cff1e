"""Reads data sets row by row: CSV, TSV, JSON lines and parquet, as the recorder does, within limits.

Cells are text. Files in other encodings than UTF-8 are read as well (their bytes survive as surrogates): rows can be counted
and compared without knowing the letters.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from auditor.compare.tables import CONVENTION, Role, number
from auditor.evidence.claimed import ClaimedBytes
from auditor.evidence.unanswered import Inconclusive
from auditor.model.run import Artifact, DataSource
from auditor.record.data import count

MOST_ROWS = 5_000_000
"""Rows of larger tables are not compared with each other: every one would have to be remembered."""

_RECORD = 16 << 20
"""Characters that one row may have."""

_DELIMITERS = {"csv": ",", "tsv": "\t"}
_LINES = frozenset({"jsonl", "ndjson"})
_BATCH = 4096
_COUNTED = frozenset({"npy"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """An open table. ``header`` is empty for one without column names; ``rows`` can be walked once."""

    name: str
    header: tuple[str, ...]
    rows: Iterator[Sequence[str]]

    def column(self, role: Role, declared: str | None = None) -> str | None:
        """The declared column where the table has it, else the first whose name says the role by convention, else None."""
        if declared is not None:
            return declared if declared in self.header else None
        return next((name for name in CONVENTION[role] if name in self.header), None)

    def cells(self, *names: str) -> Iterator[tuple[str, ...]]:
        """The cells of some columns, row by row.

        Raises:
            Inconclusive: a column is not there, a row is shorter than the header, or there are too many rows.
        """
        missing = [name for name in names if name not in self.header]
        if missing:
            raise Inconclusive(f"{self.name} has no column {missing[0]!r}")
        places = [self.header.index(name) for name in names]
        for index, row in enumerate(self.rows, start=1):
            if index > MOST_ROWS:
                raise Inconclusive(f"{self.name} has more than {MOST_ROWS} rows")
            if len(row) < len(self.header):
                raise Inconclusive(
                    f"row {index} of {self.name} has {len(row)} fields where the header has {len(self.header)}"
                )
            yield tuple(row[place] for place in places)


def form_of(claim: DataSource | Artifact) -> str:
    """The format that a claim declares, else the suffix of its path, in lower case without a dot."""
    return (claim.format or PurePosixPath(claim.path or "").suffix).lstrip(".").lower()


def is_table(claim: DataSource | Artifact) -> bool:
    """Whether a claim is, by its format or its name, a table that :func:`open_rows` reads."""
    form = form_of(claim)
    return form in _DELIMITERS or form in _LINES or form == "parquet"


@contextmanager
def open_rows(claimed: ClaimedBytes, claim: DataSource | Artifact) -> Iterator[Rows]:
    """The rows of a table.

    Raises:
        Inconclusive: its bytes are not here, or are no table of its format, also while the rows are walked.
    """
    path, form, name = claimed.file(claim), form_of(claim), claim.path or claim.name
    try:
        if form in _DELIMITERS:
            walk: Iterator[Sequence[str]] = _separated(path, _DELIMITERS[form])
            first = next(walk, ())
            if first and all(number(cell) is not None for cell in first):
                yield Rows(name=name, header=(), rows=_again(first, walk))
            else:
                yield Rows(name=name, header=tuple(first), rows=walk)
        elif form in _LINES:
            yield _json_lines(path, name)
        elif form == "parquet":
            yield _parquet(path, name)
        else:
            raise Inconclusive(f"{name} is not in a form that is read row by row")
    except csv.Error as error:
        raise Inconclusive(f"{name} is no table: {error}") from None
    except OSError as error:
        raise Inconclusive(f"{name} cannot be read: {error.strerror or error}") from None


def count_records(claimed: ClaimedBytes, claim: DataSource | Artifact) -> int | None:
    """How many records a data set has, counted as the recorder counts; None for a form that has no records.

    Raises:
        Inconclusive: its bytes are not here, or are not of its format.
    """
    if is_table(claim):
        with open_rows(claimed, claim) as table:
            return sum(1 for _ in table.rows)
    if form_of(claim) not in _COUNTED:
        return None
    try:
        return count(claimed.file(claim), form_of(claim))[0]
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise Inconclusive(f"the records of {claim.path or claim.name} cannot be counted: {error}") from None


def _again(first: Sequence[str], rest: Iterator[Sequence[str]]) -> Iterator[Sequence[str]]:
    yield first
    yield from rest


def _separated(path: Path, delimiter: str) -> Iterator[list[str]]:
    """Rows of a delimited text; blank ones are left out. Quotes may span lines, but no row may outgrow the limit."""
    taken = 0
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:

        def lines() -> Iterator[str]:
            nonlocal taken
            while line := stream.readline(_RECORD + 1):
                taken += len(line)
                if taken > _RECORD:
                    raise csv.Error(f"it has a row of more than {_RECORD} characters")
                yield line

        # The limit is the process's; it is asked for before each row, since another reader may have set its own meanwhile.
        reader = csv.reader(lines(), delimiter=delimiter)
        while True:
            before = csv.field_size_limit(_RECORD)
            try:
                row = next(reader, None)
            finally:
                csv.field_size_limit(before)
            taken = 0
            if row is None:
                return
            if row:
                yield row


def _json_lines(path: Path, name: str) -> Rows:
    walk = _objects(path, name)
    first = next(walk, None)
    if first is None:
        return Rows(name=name, header=(), rows=iter(()))
    header = tuple(first) if isinstance(first, dict) else ()

    def rows() -> Iterator[Sequence[str]]:
        for value in _chain(first, walk):
            yield [_cell(value.get(key)) for key in header] if isinstance(value, dict) else [_cell(value)]

    return Rows(name=name, header=header, rows=rows())


def _chain(first: object, rest: Iterator[object]) -> Iterator[object]:
    yield first
    yield from rest


def _objects(path: Path, name: str) -> Iterator[object]:
    with path.open("rb") as stream:
        while line := stream.readline(_RECORD + 1):
            if len(line) > _RECORD:
                raise Inconclusive(f"{name} has a line of more than {_RECORD} bytes")
            if line.strip():
                try:
                    yield json.loads(line)
                except (ValueError, RecursionError):
                    raise Inconclusive(f"{name} has a line that is no JSON") from None


def _parquet(path: Path, name: str) -> Rows:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415  (an optional, heavy reader)
    except ImportError:
        raise Inconclusive(f"{name} needs a reader of parquet: pip install 'ml-run-auditor[tables]'") from None
    try:
        file = parquet.ParquetFile(path)
        header = tuple(str(column) for column in file.schema_arrow.names)
    except (ArrowException, OSError, ValueError) as error:
        raise Inconclusive(f"{name} is no readable parquet file: {error}") from None

    def rows() -> Iterator[Sequence[str]]:
        try:
            for batch in file.iter_batches(batch_size=_BATCH):
                columns = [[_cell(value) for value in column.to_pylist()] for column in batch.columns]
                yield from zip(*columns, strict=True) if columns else ([] for _ in range(batch.num_rows))
        except (ArrowException, OSError, ValueError) as error:
            raise Inconclusive(f"{name} is no readable parquet file: {error}") from None
        finally:
            file.close()

    return Rows(name=name, header=header, rows=rows())


def _cell(value: object) -> str:
    """A value as a CSV would write it; nested ones as JSON with sorted keys."""
    if value is None:
        return ""
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, sort_keys=True, default=str)
    return str(value)
