"""Opens files of tensors: one module per format, all streaming, none ever unpickling."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from auditor.compare.errors import Refused, pickled
from auditor.compare.source import Source
from auditor.compare.tensors.base import BLOCK, Array, TensorFile, TensorInfo
from auditor.compare.tensors.npy import MAGIC, NpyFile
from auditor.compare.tensors.npz import NpzFile
from auditor.compare.tensors.safetensors import SafetensorsFile
from auditor.errors import UndecidableError

__all__ = ["BLOCK", "PICKLE_SUFFIXES", "TENSOR_SUFFIXES", "Array", "TensorFile", "TensorInfo", "open_tensors"]

TENSOR_SUFFIXES: Final = frozenset({".npy", ".npz", ".safetensors"})
PICKLE_SUFFIXES: Final = frozenset({".pkl", ".pickle", ".joblib", ".pt", ".pth", ".dill", ".cloudpickle"})


def open_tensors(path: Path) -> TensorFile:
    """The tensors of a file; a context manager. The content decides the format, the suffix only what a lie is called.

    Raises:
        EmptySelectionError: there is no such file.
        Pickled: only a pickle machine could read it.
        Refused: it is not a regular file, or not what its format allows.
        UndecidableError: a format or a dtype without a reader.
    """
    source = Source(path)
    try:
        return _reader(source, path.suffix.lower())
    except BaseException:
        source.close()
        raise


def _reader(source: Source, suffix: str) -> TensorFile:
    start = source.read(0, min(16, source.size))
    if suffix in PICKLE_SUFFIXES or _looks_pickled(start):
        raise pickled("it is a pickle, or an archive around one")
    if start.startswith(MAGIC):
        return NpyFile(source)
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return NpzFile(source)
    if suffix == ".safetensors" or (start[4:9] == b"\0\0\0\0{"):
        return SafetensorsFile(source)
    if not start:
        raise Refused("it is empty")
    if suffix in TENSOR_SUFFIXES:
        raise Refused(f"it does not begin as a {suffix} file does")
    raise UndecidableError("it has no format whose tensors can be read", hint="store weights as safetensors or npz")


def _looks_pickled(start: bytes) -> bool:
    """A pickle of protocol 2 to 5; the length of a safetensors header can begin alike, but is followed by its brace."""
    return len(start) > 1 and start[0] == 0x80 and 2 <= start[1] <= 5 and start[4:9] != b"\0\0\0\0{"
