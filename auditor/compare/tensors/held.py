"""Tensors that a reader had to build in memory: small things, such as decision trees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from auditor.compare.errors import Refused
from auditor.compare.source import Source
from auditor.compare.tensors.base import BLOCK, Array, TensorFile, TensorInfo, flat_blocks, from_chunks


class HeldFile(TensorFile):
    """Gives arrays that are in memory already.

    Args:
        source: the file that they were read from.
        arrays: by name; integers and text are structure, which is compared exactly.
    """

    def __init__(self, source: Source, arrays: Mapping[str, Array]) -> None:
        super().__init__(source)
        self._arrays = dict(arrays)
        self.tensors = {name: _described(name, array) for name, array in self._arrays.items()}

    def blocks(self, name: str, elements: int = BLOCK) -> Iterator[Array]:
        """See :meth:`TensorFile.blocks`."""
        array = np.ascontiguousarray(self._arrays[name]).reshape(-1)
        content = iter([array.view(np.uint8).data] if array.size else [])
        return flat_blocks(from_chunks(content), array.dtype, array.size, elements)


def _described(name: str, array: Array) -> TensorInfo:
    called = "text" if array.dtype.kind == "S" else array.dtype.name
    exact = array.dtype.kind != "f"
    return TensorInfo(name=name, dtype=called, shape=array.shape, nbytes=array.nbytes, exact=exact)


def numbers(values: Any, dtype: str, what: str) -> Array:
    """A list of numbers (or of text that writes numbers) as an array of one dimension.

    Raises:
        Refused: anything that is no such list, or a number that ``dtype`` cannot hold.
    """
    if isinstance(values, np.ndarray):
        values = values.tolist()
    allowed = {int, float, str, bool} if np.dtype(dtype).kind == "f" else {int, str, bool}
    if not isinstance(values, list) or not all(type(value) in allowed for value in values):
        raise Refused(f"its {what} is no list of numbers")
    try:
        with np.errstate(over="ignore"):
            wide = np.array(values, dtype=np.float64 if np.dtype(dtype).kind == "f" else np.int64)
            array = wide.astype(dtype)
    except (ValueError, OverflowError, TypeError) as error:
        raise Refused(f"its {what} holds something that is no {dtype}") from error
    if array.dtype.kind != "f" and not np.array_equal(array, wide):
        raise Refused(f"its {what} holds numbers too large for {dtype}")
    return array
