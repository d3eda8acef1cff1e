"""Small honest files of every format, written by the formats' own libraries: where mutation starts."""

# ruff: noqa: PLC0415 - each target loads the library of its own format alone
from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

VALUES = {"a": np.arange(12, dtype="f4").reshape(3, 4), "b": np.array(2.5), "c": np.zeros((0, 3), "i8")}


def _nothing(_place: Path) -> None:
    """Most formats are one file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One target: the suffix of its files, some of them, what stands around them, and what the mutated bytes become.

    ``reader`` is what reads them: ``tensors``, ``table`` (predictions), ``figures`` (of metrics), ``trace`` or ``bands``.
    """

    suffix: str
    seeds: Callable[[], Iterator[bytes]]
    surroundings: Callable[[Path], None] = _nothing
    wrapped: Callable[[bytes], bytes] = bytes
    reader: str = "tensors"


def _saved(suffix: str, *savers: Callable[[Path], object]) -> Iterator[bytes]:
    for save in savers:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"seed{suffix}")
            save(path)
            yield path.read_bytes()


def _npy() -> Iterator[bytes]:
    arrays = [*VALUES.values(), np.array(["ab", "c"]), np.asfortranarray(VALUES["a"]), np.zeros(2, "i4,f8")]
    yield from _saved(".npy", *(lambda path, array=array: np.save(path, array) for array in arrays))


def _npz() -> Iterator[bytes]:
    yield from _saved(".npz", lambda path: np.savez(path, **VALUES), lambda path: np.savez_compressed(path, **VALUES))


def _safetensors() -> Iterator[bytes]:
    from safetensors.numpy import save_file

    yield from _saved(".safetensors", lambda path: save_file(VALUES, path, metadata={"x": "y"}))


def _checkpoints() -> Iterator[object]:
    import torch

    base = torch.arange(24.0).reshape(4, 6)
    model = torch.nn.Linear(3, 2)
    yield {"model": model.state_dict(), "optimizer": torch.optim.Adam(model.parameters()).state_dict(), "epoch": 1}
    yield {
        "t": base.t(),
        "s": base[1:, ::2],
        "h": base.half(),
        "q": base.to(torch.float8_e4m3fn),
        "e": base[:1].expand(9, 6),
    }
    yield [model.weight, {"x": torch.ones(2)}, {1, 2}, b"ab"]


def _torch() -> Iterator[bytes]:
    import torch

    savers = [lambda path, it=it: torch.save(it, path) for it in _checkpoints()]
    yield from _saved(".pt", *savers)


def _pickles() -> Iterator[bytes]:
    import torch

    first, second, third = (torch.arange(6.0 * (key + 1)) for key in range(3))
    views = {"a": first.reshape(2, 3).t(), "b": second.reshape(3, 4)[:, ::2], "c": torch.nn.Parameter(third)}
    for protocol in (2, 4):
        for checkpoint in (
            views,
            [views["a"], views["b"], {"bytes": torch.zeros(72).to(torch.float8_e4m3fn)}, {1, 2}, b"ab", first.expand(3, 6)],
        ):
            buffer = io.BytesIO()
            torch.save(checkpoint, buffer, pickle_protocol=protocol)
            with zipfile.ZipFile(buffer) as archive:
                yield next(archive.read(name) for name in archive.namelist() if name.endswith("data.pkl"))


def _around_a_pickle(content: bytes) -> bytes:
    """A checkpoint with this pickle, and as many bytes as the seeds refer to: checksums would keep mutations out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        for key in range(3):
            archive.writestr(f"archive/data/{key}", bytes(24 * (key + 1)))
    return buffer.getvalue()


def _onnx() -> Iterator[bytes]:
    from onnx import TensorProto, helper, numpy_helper

    inner = helper.make_graph([], "inner", [], [], initializer=[numpy_helper.from_array(VALUES["a"], "w")])
    nodes = [
        helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(VALUES["b"])),
        helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner),
    ]
    tensors = [numpy_helper.from_array(array, name) for name, array in VALUES.items()]
    tensors.append(helper.make_tensor("i", TensorProto.INT32, [3], [1, -2, 300]))
    tensors.append(helper.make_tensor("f", TensorProto.FLOAT, [3], [1, 2, 3]))
    tensors.append(helper.make_tensor("s", TensorProto.STRING, [2], [b"a", b"b"]))
    beside = TensorProto(name="x", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    beside.external_data.add(key="location", value="data.bin")
    graph = helper.make_graph(nodes, "g", [], [], initializer=[*tensors, beside])
    yield helper.make_model(graph).SerializeToString()


def _hdf5() -> Iterator[bytes]:
    import h5py

    def save(path: Path, **options: object) -> None:
        with h5py.File(path, "w", libver=options.pop("libver", None)) as file:
            for name, array in VALUES.items():
                file.create_dataset(f"g/{name}", data=array, **(options if array.ndim and array.size else {}))
            file["soft"] = h5py.SoftLink("/g/a")

    yield from _saved(
        ".h5",
        save,
        lambda path: save(path, libver="latest"),
        lambda path: save(path, chunks=(2, 3), compression="gzip", shuffle=True),
        lambda path: save(path, chunks=(2, 3), compression="lzf", fletcher32=True, libver="latest"),
    )


def _keras() -> Iterator[bytes]:
    for content in _hdf5():
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("config.json", "{}")
            archive.writestr("model.weights.h5", content)
        yield buffer.getvalue()


def _gguf() -> Iterator[bytes]:
    import gguf

    def save(path: Path, endian: gguf.GGUFEndian) -> None:
        writer = gguf.GGUFWriter(path, "llama", endianess=endian)
        writer.add_array("tokens", ["a", "bc"])
        writer.add_uint32("count", 3)
        writer.add_tensor("a", VALUES["a"].copy())
        writer.add_tensor("q", np.zeros((2, 34), "u1"), raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    yield from _saved(".gguf", lambda path: save(path, gguf.GGUFEndian.LITTLE), lambda path: save(path, gguf.GGUFEndian.BIG))


def _index() -> Iterator[bytes]:
    yield json.dumps(
        {"metadata": {"total_size": 1}, "weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}
    ).encode()


def _shards(place: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"a": VALUES["a"]}, place / "one.safetensors")
    save_file({"b": VALUES["b"]}, place / "two.safetensors")


def _tables(suffix: str) -> Iterator[bytes]:
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.parquet as pq

    words = pa.array(["x", None, "y" * 70, "x"])
    table = pa.table(
        {"f": [1.0, 2, 3, 4], "n": [1, None, 3, 4], "w": words, "d": words.dictionary_encode(), "b": [True] * 4}
    )
    if suffix == ".parquet":
        savers = [
            lambda path, kind=kind: pq.write_table(table, path, compression=kind) for kind in ("none", "snappy", "zstd")
        ]
        savers.append(lambda path: pq.write_table(table, path, use_dictionary=False, write_statistics=False))
    else:
        kinds = ("uncompressed", "lz4", "zstd")
        savers = [lambda path, kind=kind: pa.feather.write_feather(table, str(path), compression=kind) for kind in kinds]
    yield from _saved(suffix, *savers)


def _xgboost(suffix: str) -> Iterator[bytes]:
    import xgboost

    data = xgboost.DMatrix(np.arange(40.0).reshape(20, 2), np.arange(20) % 3)
    boosters = [{}, {"booster": "gblinear"}, {"booster": "dart"}]
    models = [xgboost.train({"max_depth": 2, "nthread": 1, "verbosity": 0, **options}, data, 2) for options in boosters]
    yield from _saved(suffix, *(model.save_model for model in models))


def _lightgbm(suffix: str) -> Iterator[bytes]:
    import lightgbm

    options = {"verbose": -1, "num_threads": 1, "min_data_in_leaf": 2, "num_leaves": 4}
    model = lightgbm.train(options, lightgbm.Dataset(np.arange(80.0).reshape(40, 2), np.arange(40) % 3), 2)
    yield json.dumps(model.dump_model()).encode() if suffix == ".json" else model.model_to_string().encode()


def _rows() -> list[dict[str, object]]:
    return [
        {"id": 1, "label": "a", "prediction": "b", "proba_a": 0.25, "proba_b": 0.75},
        {"id": 2, "label": 'say "x",\nthen y', "prediction": "a", "proba_a": 1e-300, "proba_b": -0.0},
        {"id": 3, "label": "\u00e9", "prediction": None, "proba_a": "nan", "proba_b": "1e999"},
    ]


def _delimited(delimiter: str) -> Iterator[bytes]:
    for options in ({}, {"quoting": csv.QUOTE_ALL, "lineterminator": "\n"}):
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(_rows()[0]), delimiter=delimiter, **options)
        writer.writeheader()
        writer.writerows(_rows())
        yield text.getvalue().encode()


def _jsonl() -> Iterator[bytes]:
    yield "".join(json.dumps(row) + "\n" for row in _rows()).encode()


def _archives() -> Iterator[bytes]:
    arrays = {"id": np.arange(3), "prediction": np.array(["a", "bc", ""]), "probability": np.zeros((3, 2), "f4")}
    yield from _saved(".npz", lambda path: np.savez(path, **arrays), lambda path: np.savez_compressed(path, **arrays))


def _traces() -> Iterator[bytes]:
    yield b"step,loss,phase\n0,2.5,warm\n10,,warm\n20,nan,hot\n20,1e-3,hot\n"


def _figures() -> Iterator[bytes]:
    yield json.dumps({"accuracy": 0.9, "test": {"f1": [0.5, None, 1e300]}, "note": "x", "n": 10**30}).encode()


def _bands() -> Iterator[bytes]:
    digest = "sha256:" + "ab" * 32
    machine = {"class": "a", "stack": digest}
    bands = [
        {"of": "metric:*", "n": 5, "mean": 0.5, "s": 0.1, "factor": 3.0414},
        {"of": "trace:loss", "n": 5, "absolute": 0, "relative": 0.1},
    ]
    whole = {"schema": "auditor/band/v1", "executors": [machine, machine], "runs": [digest], "bands": bands}
    yield json.dumps(whole | {"learned": "2026-01-01"}).encode()


FORMATS = {
    "npy": Format(suffix=".npy", seeds=_npy),
    "npz": Format(suffix=".npz", seeds=_npz),
    "safetensors": Format(suffix=".safetensors", seeds=_safetensors),
    "torch": Format(suffix=".pt", seeds=_torch),
    "pickle": Format(suffix=".pt", seeds=_pickles, wrapped=_around_a_pickle),
    "onnx": Format(
        suffix=".onnx", seeds=_onnx, surroundings=lambda place: (place / "data.bin").write_bytes(bytes(16)) and None
    ),
    "hdf5": Format(suffix=".h5", seeds=_hdf5),
    "keras": Format(suffix=".keras", seeds=_keras),
    "gguf": Format(suffix=".gguf", seeds=_gguf),
    "sharded": Format(suffix=".index.json", seeds=_index, surroundings=_shards),
    "parquet": Format(suffix=".parquet", seeds=lambda: _tables(".parquet")),
    "arrow": Format(suffix=".arrow", seeds=lambda: _tables(".arrow")),
    "xgboost-json": Format(suffix=".json", seeds=lambda: _xgboost(".json")),
    "xgboost-ubjson": Format(suffix=".ubj", seeds=lambda: _xgboost(".ubj")),
    "lightgbm-text": Format(suffix=".txt", seeds=lambda: _lightgbm(".txt")),
    "lightgbm-json": Format(suffix=".json", seeds=lambda: _lightgbm(".json")),
    "table-csv": Format(suffix=".csv", seeds=lambda: _delimited(","), reader="table"),
    "table-tsv": Format(suffix=".tsv", seeds=lambda: _delimited("\t"), reader="table"),
    "table-jsonl": Format(suffix=".jsonl", seeds=_jsonl, reader="table"),
    "table-parquet": Format(suffix=".parquet", seeds=lambda: _tables(".parquet"), reader="table"),
    "table-npz": Format(suffix=".npz", seeds=_archives, reader="table"),
    "trace": Format(suffix=".csv", seeds=_traces, reader="trace"),
    "figures": Format(suffix=".json", seeds=_figures, reader="figures"),
    "bands": Format(suffix=".json", seeds=_bands, reader="bands"),
}
