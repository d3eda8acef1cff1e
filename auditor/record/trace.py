"""Reads a metric trace, one row per step in JSON lines or CSV, for the last value of every figure."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from auditor.model.run import Json

FORMATS: Final = {".jsonl": "", ".ndjson": "", ".csv": ",", ".tsv": "\t"}
"""Suffixes of traces; for tables, what separates their columns."""

STEPS: Final = ("step", "global_step", "iteration", "iter", "epoch")
"""How the step is called: the first that a row has counts."""

_LARGEST: Final = 256 << 20
_LONGEST_LINE: Final = 1 << 20
_MOST_FIGURES: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """The last value of a figure, and the step it was reached at; None where the trace counts none."""

    value: float
    step: int | None


def is_trace(name: str) -> bool:
    """Whether a metrics file called ``name`` holds one row per step."""
    return Path(name).suffix.lower() in FORMATS


def read(path: Path) -> dict[str, Last]:
    """Every figure by name with its value at the greatest step that gives one; rows of one step, or without: the last.

    Raises:
        ValueError: it is too large, a line is too long, or it is not what its suffix says.
        OSError: it cannot be read.
    """
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"it is larger than {_LARGEST} bytes")
    found: dict[str, Last] = {}
    for row in _rows(path):
        step = _step(row)
        for name, value in _figures(row, ""):
            former = found.get(name)
            if former is None or step is None or former.step is None or step >= former.step:
                found[name] = Last(value=value, step=step)
        if len(found) > _MOST_FIGURES:
            raise ValueError(f"it holds more than {_MOST_FIGURES} figures")
    return found


def _rows(path: Path) -> Iterator[Mapping[str, Json]]:
    delimiter = FORMATS[path.suffix.lower()]
    with path.open(encoding="utf-8-sig", newline="") as stream:
        if delimiter:
            csv.field_size_limit(min(_LONGEST_LINE, sys.maxsize))
            try:
                yield from (_converted(row) for row in csv.DictReader(_bounded(stream), delimiter=delimiter))
            except csv.Error as error:
                raise ValueError(str(error)) from error
            return
        for line in _bounded(stream):
            if line.strip():
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError("a line of it holds no JSON object")
                yield row


def _bounded(stream: TextIO) -> Iterator[str]:
    while line := stream.readline(_LONGEST_LINE + 1):
        if len(line) > _LONGEST_LINE:
            raise ValueError(f"a line of it is longer than {_LONGEST_LINE} characters")
        yield line


def _converted(row: Mapping[str | None, object]) -> dict[str, Json]:
    """A table's row: what reads as a number is one; empty cells are figures that this step does not give."""
    found: dict[str, Json] = {}
    for name, cell in row.items():
        if isinstance(name, str) and name and isinstance(cell, str) and cell.strip():
            try:
                found[name] = float(cell)
            except ValueError:
                continue
    return found


def _step(row: Mapping[str, Json]) -> int | None:
    names = {name.lower(): name for name in reversed(list(row))}
    value = next((row[names[name]] for name in STEPS if name in names), None)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 53:  # NaN is none, too
        return None
    return int(value) if int(value) == value else None


def _figures(value: Json, prefix: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, child in value.items():
            if prefix or key.lower() not in STEPS:
                yield from _figures(child, f"{prefix}.{key}" if prefix else key)
    elif isinstance(value, int | float) and not isinstance(value, bool) and prefix:
        yield prefix, value
