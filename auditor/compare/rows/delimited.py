"""Reads CSV and TSV: UTF-8, a header line, every row as long as the header."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

from auditor.compare.errors import Refused
from auditor.compare.rows.stream import Stream
from auditor.compare.source import Source

MAX_LINE: Final = 1 << 20
MAX_COLUMNS: Final = 100_000


def delimited_rows(source: Source, delimiter: str) -> tuple[tuple[str, ...], Iterator[list[str]]]:
    """The header and the rows. Raises :class:`Refused`, the rows when they are reached."""
    rows = _rows(text_lines(source), delimiter)
    header = tuple(next(rows, ()))
    if not header:
        raise Refused("it is empty; a table has a header line")
    if len(set(header)) != len(header) or len(header) > MAX_COLUMNS:
        raise Refused("its header names a column twice, or too many")
    return header, _checked(rows, len(header))


def text_lines(source: Source) -> Iterator[str]:
    """The lines of a UTF-8 file, with their ends. Raises :class:`Refused` when one is too long or no text."""
    with io.TextIOWrapper(io.BufferedReader(Stream(source)), encoding="utf-8-sig", newline="") as text:
        try:
            while line := text.readline(MAX_LINE + 1):
                if len(line) > MAX_LINE:
                    raise Refused(f"it has a line of more than {MAX_LINE} characters")
                yield line
        except UnicodeDecodeError as error:
            raise Refused("it is not UTF-8 text") from error


def _rows(lines: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
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
