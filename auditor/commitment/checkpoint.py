"""Reads checkpoints: what training changes (weights, optimizer, random generators) after a step, and never a pickle."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from auditor import digest
from auditor.compare.errors import Refused
from auditor.compare.tensors import TensorFile, open_tensors

SUFFIXES: Final = (".npz", ".safetensors")
PARTS: Final = ("weights", "optimizer", "rng")

LIMIT: Final = 8 << 30
"""Bytes of tensors in a checkpoint that are read at most: replaying needs two of them in memory."""

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The state after ``step`` steps: arrays by name."""

    step: int
    weights: Mapping[str, Array]
    optimizer: Mapping[str, Array]
    rng: Mapping[str, Array]

    def digest(self, part: str) -> str:
        """Digest of one part: of names, dtypes, shapes and elements, whatever file they lie in."""
        held: Mapping[str, Array] = getattr(self, part)
        rows = []
        for name in sorted(held):
            array = np.ascontiguousarray(held[name])
            plain = array.astype(array.dtype.newbyteorder("<"), copy=False)
            rows.append([name, array.dtype.name, list(array.shape), hashlib.sha256(plain.tobytes()).hexdigest()])
        return digest.of_value(rows)


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint at ``path``.

    Raises:
        Refused: it is no npz or safetensors file, has no step or no weights, holds something else, or is too large.
        EmptySelectionError, UndecidableError: see :func:`auditor.compare.tensors.open_tensors`.
    """
    if path.suffix not in SUFFIXES:
        raise Refused(f"a checkpoint is an npz or a safetensors file, not {path.suffix or 'nameless'}")
    parts: dict[str, dict[str, Array]] = {part: {} for part in PARTS}
    step: int | None = None
    with open_tensors(path) as file:
        if sum(info.nbytes for info in file.tensors.values()) > LIMIT:
            raise Refused(f"it holds more than {LIMIT >> 30} GiB")
        for name in file.tensors:
            part, _, rest = name.partition("/")
            if name == "step":
                step = _step(_read(file, name))
            elif part in parts:
                parts[part][rest] = _read(file, name)
            else:
                raise Refused(f"it holds {name!r}; a checkpoint holds step, weights/..., optimizer/... and rng/...")
    if step is None or not parts["weights"]:
        raise Refused("it lacks a step" if step is None else "it holds no weights")
    return Checkpoint(step=step, weights=parts["weights"], optimizer=parts["optimizer"], rng=parts["rng"])


def _step(value: Array) -> int:
    if value.size != 1 or value.dtype.kind not in "iu" or int(value.ravel()[0]) < 0:
        raise Refused("its step is no whole number")
    return int(value.ravel()[0])


def _read(file: TensorFile, name: str) -> Array:
    info = file.tensors[name]
    blocks = [block.copy() for block in file.blocks(name)]
    flat = np.concatenate(blocks) if blocks else np.zeros(0)
    return flat.reshape(info.shape, order="F" if info.fortran else "C")
