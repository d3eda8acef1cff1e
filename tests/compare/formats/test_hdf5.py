"""Files that h5py wrote, and archives as Keras lays them out."""

from __future__ import annotations

import zipfile

import h5py
import numpy as np
import pytest

from auditor.compare.errors import Refused
from auditor.compare.tensors import hdf5, open_tensors
from auditor.errors import UndecidableError

DTYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "c8", "c16", "S5"]


def example(dtype):
    return (np.arange(24) % 7).astype(dtype).reshape(2, 3, 4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("chunked", [False, True])
def test_dtypes_contiguous_and_compressed(tmp_path, look, dtype, order, chunked):
    values = example(np.dtype(dtype).newbyteorder(order))
    options = {"chunks": (1, 2, 3), "compression": "gzip", "shuffle": True} if chunked else {}
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("layer/w", data=values, **options)
        file["scalar"] = values[1, 0, 1]
        file["empty"] = values[:0]
    info = look.tensors(tmp_path / "a.h5")["layer/w"]
    assert info.shape == (2, 3, 4)
    assert info.dtype == (np.dtype(dtype).name if dtype[0] != "S" else "S5")
    assert look.whole(tmp_path / "a.h5", "layer/w").tolist() == values.ravel().tolist()
    assert look.whole(tmp_path / "a.h5", "scalar").tolist() == [values[1, 0, 1]]
    assert look.tensors(tmp_path / "a.h5")["empty"].elements == 0


def keras_layout(path, **changes):
    rng = np.random.default_rng(0)
    arrays = {"layers/dense/vars/0": rng.normal(size=(300, 70)).astype("f4"), "layers/dense/vars/1": np.zeros(70, "f4")}
    with h5py.File(path, "w") as file:
        for name, array in {**arrays, **changes}.items():
            file.create_dataset(name, data=array)
        file.attrs["backend"] = "numpy"
    return arrays


def test_a_nudged_weight_is_found_by_name(tmp_path, look):
    arrays = keras_layout(tmp_path / "a.weights.h5")
    name = "layers/dense/vars/0"
    nudged = arrays[name].copy()
    nudged[7, 8] += 1e-2
    keras_layout(tmp_path / "b.weights.h5", **{name: nudged})
    assert look.same(tmp_path / "a.weights.h5", tmp_path / "a.weights.h5")
    assert look.diverged(tmp_path / "a.weights.h5", tmp_path / "b.weights.h5") == {name}
    np.savez(tmp_path / "a.npz", **arrays)
    assert look.same(tmp_path / "a.npz", tmp_path / "a.weights.h5")


def keras_archive(path, compression=zipfile.ZIP_STORED):
    arrays = keras_layout(path.with_suffix(".tmp"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", '{"module": "keras"}')
        archive.write(path.with_suffix(".tmp"), "model.weights.h5", compression)
    return arrays


def test_a_keras_archive(tmp_path, look):
    arrays = keras_archive(tmp_path / "a.keras")
    assert look.whole(tmp_path / "a.keras", "layers/dense/vars/0", 1000).tolist() == (
        arrays["layers/dense/vars/0"].ravel().tolist()
    )
    with open_tensors(tmp_path / "a.keras") as file:
        assert dict(file.listed) == {"metadata.json": "a file", "config.json": "a file"}
    np.savez(tmp_path / "a.npz", **arrays)
    assert look.same(tmp_path / "a.npz", tmp_path / "a.keras")
    with pytest.raises(Refused, match="changed"), open_tensors(tmp_path / "a.keras"):
        (tmp_path / "a.keras").write_bytes(b"other")
    keras_archive(tmp_path / "b.keras", zipfile.ZIP_DEFLATED)
    with pytest.raises(Refused, match="compressed where the format stores it"):
        open_tensors(tmp_path / "b.keras")


def test_large_chunked_datasets_are_read_in_pieces(tmp_path, look, monkeypatch):
    monkeypatch.setattr(hdf5, "_SLAB", 1 << 12)
    values = np.arange(60_000, dtype="i4").reshape(10, 60, 100)
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        file.create_dataset("a", data=values, chunks=(3, 7, 11))
        file.create_dataset("b", data=values.reshape(-1), chunks=(999,))
        file.create_dataset("c", data=values, chunks=(1, 2, 100))
    for name in "abc":
        assert look.whole(tmp_path / "a.h5", name, 777).tolist() == values.ravel().tolist()


def test_links_and_shapes_without_elements_are_listed(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["w"] = np.ones(3)
        file["again"] = file["w"]
        file["soft"] = h5py.SoftLink("/w")
        file["nothing"] = h5py.Empty("f4")
        file["type"] = np.dtype("f4")
    with open_tensors(tmp_path / "a.h5") as file:
        assert set(file.tensors) == {"w", "again"}
        assert dict(file.listed) == {"soft": "a soft link", "nothing": "an empty dataset", "type": "a named datatype"}


def hostile(path, kind):
    with h5py.File(path, "w") as file:
        match kind:
            case "external link":
                file["w"] = h5py.ExternalLink("/etc/passwd", "/x")
            case "external storage":
                file.create_dataset("w", shape=(3,), dtype="u1", external=[("/etc/passwd", 0, 3)])
            case "virtual":
                layout = h5py.VirtualLayout(shape=(3,), dtype="f4")
                layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(3,))
                file.create_virtual_dataset("w", layout)
            case "circle":
                file.create_group("a")["b"] = file["/"]
            case "unwritten":
                file.create_dataset("w", shape=(1 << 40,), dtype="f4", chunks=(1 << 10,))
            case "bomb":
                file.create_dataset("w", data=np.zeros(1 << 27, "u1"), chunks=(1 << 20,), compression="gzip")
                for number in range(4):
                    file[f"w{number}"] = file["w"]
            case "chunk":
                file.create_dataset("w", shape=(1 << 28,), dtype="u1", chunks=(1 << 28,))
            case "filter":
                properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
                properties.set_chunk((10,))
                properties.set_filter(32001, h5py.h5z.FLAG_OPTIONAL, (1,))
                h5py.h5d.create(file.id, b"w", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((10,)), properties)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("external link", "link to another file"),
        ("external storage", "in other files"),
        ("virtual", "in other files"),
        ("circle", "contain each other"),
        ("unwritten", "200 times"),
        ("bomb", "200 times"),
        ("chunk", "chunks of more than"),
        ("filter", "filter 32001"),
    ],
)
def test_what_leads_outside_or_explodes(tmp_path, kind, reason):
    hostile(tmp_path / "a.h5", kind)
    with pytest.raises(Refused, match=reason):
        open_tensors(tmp_path / "a.h5")


def test_elements_without_one_size_cannot_be_compared(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["w"] = ["a", "bc"]
    with pytest.raises(UndecidableError, match="fixed size"):
        open_tensors(tmp_path / "a.h5")


def test_a_filter_of_the_library_s_own(tmp_path, look):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("w", data=np.arange(100.0), chunks=(30,), compression="lzf", fletcher32=True)
    assert look.whole(tmp_path / "a.h5", "w").tolist() == np.arange(100.0).tolist()
