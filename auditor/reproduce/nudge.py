"""Moves the training data by their last bit: what comes of it is what rounding alone can do to a program.

Text is moved to the next number in double or, for programs that compute in single precision, in single precision. What
looks like a name, a label or a count stays: in a table with fractions only these are moved; in a table of whole numbers all
but the declared columns, and upwards, where cutting them back to whole numbers gives the same ones.
"""

from __future__ import annotations

import csv
import io
import math
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from auditor.errors import UndecidableError
from auditor.model.run import DataSource, Run
from auditor.reproduce.workspace import Workspace

PRECISIONS: Final = ("float64", "float32")

_LIMIT: Final = 64 << 20
_FRACTION: Final = re.compile(r"\s*[+-]?(\d+\.\d*|\.\d+|\d+(\.\d*)?[eE][+-]?\d+)\s*")
_WHOLE: Final = re.compile(r"\s*[1-9]\d{0,5}\s*")


def nudge(run: Run, workspace: Workspace, *, precision: str, number: int) -> None:
    """Move every training table and array of ``workspace`` by a coin that ``number`` seeds.

    Raises:
        UndecidableError: no training data that could be moved is declared.
    """
    chosen = [source for source in run.data if source.role == "train"]
    chosen = chosen or [source for source in run.data if source.role == "other"]
    moved = [_one(source, workspace, precision, random.Random(number)) for source in chosen]  # noqa: S311  (no secret)
    if not any(moved):
        names = ", ".join(source.mount or source.path or source.name for source in chosen) or "nothing"
        raise UndecidableError(f"the training data ({names}) hold no numbers that could be moved by their last bit")


def _one(source: DataSource, workspace: Workspace, precision: str, coin: random.Random) -> bool:
    seen = source.mount or source.path or ""
    place = workspace.input(seen)
    change = _FORMATS.get(Path(seen).suffix.lower())
    # This process may be more powerful than the command: it never follows the command's links.
    if change is None or place is None or place.is_symlink() or place.stat().st_size > _LIMIT:
        return False
    content = place.read_bytes()
    other = change(content, source, precision, coin)
    if other == content:
        return False
    workspace.replace(seen, other)
    return True


def _table(content: bytes, source: DataSource, precision: str, coin: random.Random) -> bytes:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return content
    delimiter = "\t" if (source.path or "").endswith(".tsv") else ","
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    columns = source.columns
    told = {columns.id, columns.label, columns.group, columns.time} if columns else set()
    fixed = {at for at, name in enumerate(rows[0] if rows else []) if name in told or name.lower() in {"id", "label", "y"}}
    fractions = any(_FRACTION.fullmatch(cell) for row in rows for at, cell in enumerate(row) if at not in fixed)
    into = io.StringIO(newline="")
    writer = csv.writer(into, delimiter=delimiter, lineterminator="\r\n" if "\r\n" in text else "\n")
    for row in rows:
        writer.writerow(
            [cell if at in fixed else _cell(cell, precision, coin, fractions=fractions) for at, cell in enumerate(row)]
        )
    return into.getvalue().encode()


def _cell(cell: str, precision: str, coin: random.Random, *, fractions: bool) -> str:
    if fractions and _FRACTION.fullmatch(cell):
        return _next(float(cell), precision, up=coin.random() < 0.5)
    if not fractions and _WHOLE.fullmatch(cell) and coin.random() < 0.5:
        return _next(float(cell), precision, up=True)
    return cell


def _next(value: float, precision: str, *, up: bool) -> str:
    import numpy as np  # noqa: PLC0415  (only where data are moved)

    if value == 0 or not math.isfinite(value):
        return repr(value)
    kind = np.float32 if precision == "float32" else np.float64
    return repr(float(np.nextafter(kind(value), kind(math.inf if up else -math.inf))))


def _arrays(content: bytes, source: DataSource, precision: str, coin: random.Random) -> bytes:
    import numpy as np  # noqa: PLC0415  (the same)

    from auditor.reproduce.twin import perturbed  # noqa: PLC0415

    del precision  # an array says itself in which precision it is
    try:
        held = np.load(io.BytesIO(content), allow_pickle=False)
        arrays = {name: held[name] for name in held.files} if hasattr(held, "files") else {"": held}
    except (ValueError, OSError, KeyError) as error:
        raise UndecidableError(f"{source.name} cannot be read, so it cannot be moved") from error
    moved = perturbed(arrays, coin.randrange(1 << 32))
    into = io.BytesIO()
    if "" in moved:
        np.save(into, moved[""])
    else:
        np.savez(into, allow_pickle=False, **moved)
    return into.getvalue()


_FORMATS: dict[str, Callable[[bytes, DataSource, str, random.Random], bytes]] = {
    ".csv": _table,
    ".tsv": _table,
    ".npy": _arrays,
    ".npz": _arrays,
}
