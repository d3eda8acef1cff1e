"""Reads JSON lines: one flat object a line, all with the same keys."""

from __future__ import annotations

import json
from collections.abc import Iterator

from auditor.compare.errors import Refused
from auditor.compare.rows.delimited import MAX_COLUMNS, text_lines
from auditor.compare.source import Source


def jsonl_rows(source: Source) -> tuple[tuple[str, ...], Iterator[list[str]]]:
    """The header, which is the keys of the first line, and the rows. Raises :class:`Refused`, the rows when reached."""
    objects = _objects(text_lines(source))
    first = next(objects, None)
    if first is None:
        raise Refused("it is empty; a table has at least one line")
    header = tuple(first)
    if not header or len(header) > MAX_COLUMNS:
        raise Refused("its first line has no key, or too many")
    return header, _rows(first, objects, header)


def _rows(first: dict[str, str], rest: Iterator[dict[str, str]], header: tuple[str, ...]) -> Iterator[list[str]]:
    yield list(first.values())
    for place, row in enumerate(rest, start=2):
        if row.keys() != first.keys():
            raise Refused(f"line {place} has other keys than line 1")
        yield [row[name] for name in header]


def _objects(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    blank = 0
    for place, line in enumerate(lines, start=1):
        if not line.strip():
            blank = blank or place
            continue
        if blank:
            raise Refused(f"line {blank} is blank")
        yield _object(line, place)


def _object(line: str, place: int) -> dict[str, str]:
    # Numbers stay as they are written: no precision is lost, and no integer grows beyond its text.
    try:
        pairs = json.loads(line, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise Refused(f"line {place} is no JSON text") from error
    if not isinstance(pairs, _Pairs):
        raise Refused(f"line {place} is no JSON object")
    row = {}
    for key, value in pairs:
        if isinstance(value, list):  # arrays, and objects as pairs
            raise Refused(f"line {place} has a nested value at {key}", hint="write one column per element")
        row[key] = value if isinstance(value, str) else "" if value is None else str(value)
    if len(row) != len(pairs):
        raise Refused(f"line {place} gives a key twice")
    return row


class _Pairs(list[tuple[str, object]]):
    """A JSON object as read, with keys given twice."""
