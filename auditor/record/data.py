"""Measures files and folders: digest, size in bytes, number of records, columns."""

from __future__ import annotations

import ast
import csv
import itertools
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

from auditor import digest
from auditor.errors import UsageError

_DELIMITERS: Final = {"csv": ",", "tsv": "\t"}
_LINES: Final = {"jsonl", "ndjson"}
_NPY_HEADER: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """``format`` is the suffix without its dot, ``tree`` for a folder, None without suffix. ``size`` is in bytes.

    ``uncounted`` says why a format that has records could not be counted. ``columns`` is a table's header.
    """

    digest: str
    size: int
    format: str | None
    records: int | None = None
    uncounted: str | None = None
    columns: tuple[str, ...] = field(default=())


def measure(path: Path, *, name: str) -> Measured:
    """What is at ``path``, a regular file (links are followed) or a folder without links and special files.

    Raises:
        UsageError: there is nothing, something special, or it cannot be read.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return _measure_tree(path, name)
        if not stat.S_ISREG(mode):
            raise UsageError(f"{name}: neither a file nor a folder")
        found, size = digest.of_file(path)
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror}") from error
    form = path.suffix.lstrip(".").lower() or None
    try:
        records, columns = count(path, form)
    except (OSError, ValueError, csv.Error) as error:
        return Measured(digest=found, size=size, format=form, uncounted=f"records could not be counted: {error}")
    return Measured(digest=found, size=size, format=form, records=records, columns=columns)


def _measure_tree(folder: Path, name: str) -> Measured:
    entries = [(relative, *digest.of_file(path)) for relative, path in tree_files(folder, name=name)]
    return Measured(
        digest=digest.of_tree([(relative, size, found) for relative, found, size in entries]),
        size=sum(size for _, _, size in entries),
        format="tree",
    )


def tree_files(folder: Path, *, name: str) -> Iterator[tuple[str, Path]]:
    """Every file below ``folder`` with its POSIX path relative to it.

    Raises:
        UsageError: it holds a link, something special, or a name that is not UTF-8: such a folder has no portable digest.
    """
    for entry in sorted(os.scandir(folder), key=lambda e: os.fsencode(e.name)):
        path = folder / entry.name
        try:
            entry.name.encode()
        except UnicodeEncodeError:
            raise UsageError(f"{name}: holds a file whose name is not UTF-8: {os.fsencode(entry.name)!r}") from None
        if entry.is_symlink() or not (entry.is_dir() or entry.is_file()):
            raise UsageError(f"{name}: {path} is a link or a special file", hint="give the folder without it")
        if entry.is_dir():
            yield from ((f"{entry.name}/{relative}", below) for relative, below in tree_files(path, name=name))
        else:
            yield entry.name, path


def count(path: Path, form: str | None) -> tuple[int | None, tuple[str, ...]]:
    """Number of records and header of a table; ``(None, ())`` for a format that has no notion of records.

    Rows of csv and tsv without the header, lines of jsonl that are not blank, rows of parquet (where pyarrow is installed),
    the first axis of npy. A first row that consists of numbers alone is data, not a header.

    Raises:
        ValueError, csv.Error: the content is not what the suffix says.
    """
    if form in _DELIMITERS:
        with open_text(path) as stream:
            return _count_rows(stream, _DELIMITERS[form])
    if form in _LINES:
        with path.open("rb") as raw:
            return sum(1 for line in raw if line.strip()), ()
    if form == "npy":
        return _npy_length(path), ()
    if form == "parquet":
        return _parquet(path)
    return None, ()


def open_text(path: Path) -> TextIO:
    """A table's text: UTF-8 with or without BOM; bytes of other encodings survive as surrogates."""
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def _count_rows(stream: TextIO, delimiter: str) -> tuple[int, tuple[str, ...]]:
    csv.field_size_limit(sys.maxsize)
    rows = (row for row in csv.reader(stream, delimiter=delimiter) if row)
    first = next(rows, None)
    if first is None:
        return 0, ()
    length = sum(1 for _ in rows)
    return (length + 1, ()) if all(map(_is_number, first)) else (length, tuple(first))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _npy_length(path: Path) -> int | None:
    # The format is numpy.lib.format's: magic, version, little-endian header length (2 or 4 bytes), a Python literal.
    with path.open("rb") as stream:
        if stream.read(6) != b"\x93NUMPY":
            raise ValueError("no npy file")
        width = 2 if stream.read(2)[:1] == b"\x01" else 4
        length = int.from_bytes(stream.read(width), "little")
        if length > _NPY_HEADER:
            raise ValueError("its header is too long")
        header = ast.literal_eval(stream.read(length).decode("latin-1"))
    shape = header["shape"] if isinstance(header, dict) and "shape" in header else ()
    return int(shape[0]) if shape else None


def _parquet(path: Path) -> tuple[int | None, tuple[str, ...]]:
    try:
        from pyarrow import parquet  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415  (an optional, heavy reader)
    except ImportError:
        return None, ()
    about = parquet.read_metadata(path)
    return int(about.num_rows), tuple(itertools.islice(about.schema.to_arrow_schema().names, 10_000))
