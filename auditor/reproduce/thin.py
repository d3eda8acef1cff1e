"""Takes training rows away, to see whether outputs depend on the data at all."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path

from auditor.errors import UndecidableError
from auditor.model.run import DataSource, Run
from auditor.reproduce.workspace import Workspace

_LIMIT = 512 << 20


def thin(run: Run, workspace: Workspace, *, kept: float) -> None:
    """Keep about this share of the training rows in every training file of ``workspace``, the same rows each time.

    Raises:
        UndecidableError: no training data that rows could be taken from is declared.
    """
    chosen = [source for source in run.data if source.role == "train"]
    chosen = chosen or [source for source in run.data if source.role == "other"]
    if not chosen:
        raise UndecidableError("no training data is declared that rows could be taken from")
    done = [_thin_one(source, workspace, kept) for source in chosen]
    if not any(done):
        names = ", ".join(source.mount or source.path or source.name for source in chosen)
        raise UndecidableError(f"rows cannot be taken from {names}; known are CSV, TSV, JSON lines, npy and npz")


def _thin_one(source: DataSource, workspace: Workspace, kept: float) -> bool:
    seen = source.mount or source.path or ""
    place = workspace.input(seen)
    change = _FORMATS.get(Path(seen).suffix.lower())
    # This process may be more powerful than the command: it never follows the command's links.
    if change is None or place is None or place.is_symlink() or place.stat().st_size > _LIMIT:
        return False
    workspace.replace(seen, change(place.read_bytes(), source, kept))
    return True


def _choose(count: int, kept: float) -> list[int]:
    """Which rows stay: the same for every file of this length, so that features and labels still fit each other."""
    if count < 2:
        raise UndecidableError("there are too few training rows to take some away")
    number = min(max(1, round(count * kept)), count - 1)
    return sorted(random.Random(0).sample(range(count), number))  # noqa: S311  (an experiment, not a secret)


def _text(content: bytes, source: DataSource, kept: float) -> bytes:
    rows: list[bytes] = []
    for line in content.splitlines(keepends=True):
        # A quoted field may hold line ends: a row is whole when its quotes are even.
        if rows and rows[-1].count(b'"') % 2:
            rows[-1] += line
        else:
            rows.append(line)
    filled = [row for row in rows if row.strip()]
    head = 0 if source.records == len(filled) else 1
    return b"".join(filled[:head] + [filled[head + index] for index in _choose(len(filled) - head, kept)])


def _lines(content: bytes, source: DataSource, kept: float) -> bytes:
    del source
    rows = [line for line in content.splitlines(keepends=True) if line.strip()]
    return b"".join(rows[index] for index in _choose(len(rows), kept))


def _npy(content: bytes, source: DataSource, kept: float) -> bytes:
    import numpy as np  # noqa: PLC0415  (only where an array is thinned)

    del source
    array = np.load(io.BytesIO(content), allow_pickle=False)
    into = io.BytesIO()
    np.save(into, array[_choose(len(array), kept)] if array.ndim else array)
    return into.getvalue()


def _npz(content: bytes, source: DataSource, kept: float) -> bytes:
    import numpy as np  # noqa: PLC0415  (only where an array is thinned)

    del source
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    lengths = [len(array) for array in arrays.values() if array.ndim]
    if not lengths:
        raise UndecidableError("there are too few training rows to take some away")
    # Test arrays may lie in the same file: the longest ones are the training rows.
    rows = _choose(max(lengths), kept)
    into = io.BytesIO()
    np.savez(into, **{n: a[rows] if a.ndim and len(a) == max(lengths) else a for n, a in arrays.items()})
    return into.getvalue()


_FORMATS: dict[str, Callable[[bytes, DataSource, float], bytes]] = {
    ".csv": _text,
    ".tsv": _text,
    ".jsonl": _lines,
    ".ndjson": _lines,
    ".npy": _npy,
    ".npz": _npz,
}
