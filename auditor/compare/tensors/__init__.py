"""Opens files of tensors: one module per format, all streaming, none ever unpickling."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from auditor.compare.errors import Refused, pickled
from auditor.compare.source import Source
from auditor.compare.tensors.archive import Archive
from auditor.compare.tensors.base import BLOCK, Array, TensorFile, TensorInfo
from auditor.compare.tensors.npy import MAGIC, NpyFile
from auditor.compare.tensors.npz import NpzFile
from auditor.compare.tensors.safetensors import SafetensorsFile
from auditor.compare.tensors.sharded import INDEX_SUFFIX, ShardedFile, index_in
from auditor.errors import UndecidableError

__all__ = ["BLOCK", "PICKLE_SUFFIXES", "TENSOR_SUFFIXES", "Array", "TensorFile", "TensorInfo", "open_tensors"]

TENSOR_SUFFIXES: Final = frozenset(
    {".npy", ".npz", ".safetensors", ".pt", ".pth", ".ckpt", ".onnx", ".h5", ".hdf5", ".keras", ".gguf"}
    | {".parquet", ".arrow", ".feather", ".ubj", INDEX_SUFFIX}
)
PICKLE_SUFFIXES: Final = frozenset({".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle"})

_CHECKPOINT_SUFFIXES: Final = frozenset({".pt", ".pth", ".ckpt"})
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")


def open_tensors(path: Path) -> TensorFile:
    """The tensors of a file, or of the shards that the one index in a directory names; a context manager.

    The content decides the format, the suffix only what has no mark of its own, and what a lie is called.

    Raises:
        EmptySelectionError: there is no such file.
        Pickled: only a pickle machine could read it.
        Refused: it is neither a regular file nor a directory with an index, or not what its format allows.
        UndecidableError: a format or a dtype without a reader, or a reader whose library is not installed.
    """
    if path.is_dir():
        path = index_in(path)
    source = Source(path)
    try:
        return _reader(source, path)
    except BaseException:
        source.close()
        raise


def _reader(source: Source, path: Path) -> TensorFile:
    start = source.read(0, min(32, source.size))
    suffix = path.suffix.lower()
    if suffix in PICKLE_SUFFIXES or _looks_pickled(start):
        raise pickled("it is a pickle, or an archive around one")
    if start.startswith(MAGIC):
        return NpyFile(source)
    if start.startswith(_ZIP):
        return _archive(source)
    if suffix == ".safetensors" or (start[4:9] == b"\0\0\0\0{"):
        return SafetensorsFile(source)
    if not start:
        raise Refused("it is empty")
    found = _by_library(source, start) or _by_text(source, path, start)
    if found is not None:
        return found
    if suffix == ".onnx":
        from auditor.compare.tensors.onnx import OnnxFile  # noqa: PLC0415 - a reader is loaded when it is needed

        return OnnxFile(source, path.parent)
    if suffix in _CHECKPOINT_SUFFIXES:
        raise pickled("it is no zip checkpoint: older ones are pickles from end to end")
    if suffix in TENSOR_SUFFIXES or path.name.endswith(INDEX_SUFFIX):
        raise Refused(f"it does not begin as a {suffix} file does")
    raise UndecidableError("it has no format whose tensors can be read", hint="store weights as safetensors or npz")


def _archive(source: Source) -> TensorFile:
    from auditor.compare.tensors.hdf5 import KERAS_MEMBER, KerasFile  # noqa: PLC0415 - as above
    from auditor.compare.tensors.torch import TorchFile, pickle_member  # noqa: PLC0415

    archive = Archive(source)
    if pickle_member(archive) is not None:
        return TorchFile(source, archive)
    return KerasFile(source, archive) if KERAS_MEMBER in archive.members else NpzFile(source, archive)


def _by_library(source: Source, start: bytes) -> TensorFile | None:
    """Formats with a mark of their own."""
    from auditor.compare.tensors import columns, gguf, hdf5  # noqa: PLC0415 - as above

    if start.startswith(hdf5.MAGIC):
        return hdf5.Hdf5File(source)
    if start.startswith(gguf.MAGIC):
        return gguf.GgufFile(source)
    if start.startswith(columns.PARQUET):
        return columns.ParquetFile(source)
    return columns.ArrowFile(source) if start.startswith(columns.ARROW) else None


def _by_text(source: Source, path: Path, start: bytes) -> TensorFile | None:
    """Indexes of shards and models of trees."""
    from auditor.compare.trees import file as trees  # noqa: PLC0415 - as above

    if start.startswith(trees.UBJSON):
        return trees.xgboost_binary(source)
    if start.startswith((b"tree\n", b"tree\r\n")):
        return trees.lightgbm_text(source)
    if not start.lstrip().startswith(b"{"):
        return None
    if path.name.endswith(INDEX_SUFFIX):
        return ShardedFile(source, path.parent, _open_shard)
    return trees.model_in_json(source)


def _open_shard(path: Path) -> TensorFile:
    """A shard is a file, and no index of further shards."""
    if path.name.endswith(INDEX_SUFFIX):
        raise Refused("it is an index of shards itself")
    source = Source(path)
    try:
        return _reader(source, path)
    except BaseException:
        source.close()
        raise


def _looks_pickled(start: bytes) -> bool:
    """A pickle of protocol 2 to 5; the length of a safetensors header can begin alike, but is followed by its brace."""
    return len(start) > 1 and start[0] == 0x80 and 2 <= start[1] <= 5 and start[4:9] != b"\0\0\0\0{"
