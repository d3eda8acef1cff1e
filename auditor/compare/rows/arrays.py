"""Reads npy and npz as tables: one array of one or two dimensions, or an archive of columns of equal length."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from auditor.compare.errors import Refused
from auditor.compare.rows.delimited import MAX_COLUMNS
from auditor.compare.tensors import TensorFile

_MATRIX: Final = "probability"
_CELLS: Final = 1 << 16


def array_rows(file: TensorFile) -> tuple[tuple[str, ...], Iterator[Sequence[str]]]:
    """The header and the rows of an open file of arrays.

    A single array of n or n x 1 elements is a column without a name; one of n x k is ``probability_0`` to
    ``probability_{k-1}``. In an archive every array is a column under its name, or ``NAME_0`` to ``NAME_{k-1}``.

    Raises:
        Refused: more dimensions, arrays of different lengths, or none.
    """
    columns: list[tuple[str, int]] = []
    lengths = set()
    for name, info in file.tensors.items():
        shape = info.shape
        width = math.prod(shape[1:])
        if not shape or len(shape) - shape[1:].count(1) > 2 or width < 1 or (info.fortran and width > 1):
            raise Refused("it is no array of one or two dimensions in row order")
        lengths.add(shape[0])
        columns.append((name, width))
    if len(lengths) != 1 or sum(width for _, width in columns) > MAX_COLUMNS:
        raise Refused("its arrays are none, too many, or have different lengths")
    header = tuple(title for name, width in columns for title in _titles(name, width))
    if len(set(header)) != len(header):
        raise Refused("two of its columns have the same name")
    cells = [_cells(file, name, width) for name, width in columns]
    return header, (tuple(cell for part in parts for cell in part) for parts in zip(*cells, strict=True))


def _titles(name: str, width: int) -> list[str]:
    if width == 1:
        return [name]
    return [f"{name or _MATRIX}_{place}" for place in range(width)]


def _cells(file: TensorFile, name: str, width: int) -> Iterator[tuple[str, ...]]:
    """The rows of one array, whose blocks need not end where rows do."""
    rest: list[str] = []
    for block in file.blocks(name, max(width, _CELLS)):
        rest += [value if isinstance(value, str) else repr(value) for value in block.tolist()]
        whole = len(rest) - len(rest) % width
        for start in range(0, whole, width):
            yield tuple(rest[start : start + width])
        del rest[:whole]
