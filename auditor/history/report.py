"""Writes the site of a repository's history."""

from __future__ import annotations

from pathlib import Path

from auditor.history.audit import place_of
from auditor.history.record import Record
from auditor.history.site import build


def write(start: Path, output: Path, *, title: str) -> str:
    """Write the site of the history that ``start`` lies in, and say so.

    Raises:
        EmptySelectionError, UsageError: there is nothing to show, or no place to write it.
    """
    place = place_of(start)
    if place.repository is not None:
        place.repository.close()
    with Record(place.folder) as record:
        runs = build(record, output, title=title)
    return f"{runs} runs: open {output / 'index.html'}"
