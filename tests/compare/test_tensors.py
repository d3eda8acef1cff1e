from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from auditor.compare.tensors import open_tensors
from auditor.errors import UndecidableError

DTYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "c8", "c16"]


def whole(file, name, elements=1 << 16):
    blocks = [block.copy() for block in file.blocks(name, elements)]
    assert all(len(block) <= elements for block in blocks)
    return np.concatenate(blocks) if blocks else np.empty(0)


def example(dtype):
    return (np.arange(24) % 7).astype(dtype).reshape(2, 3, 4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", "<>")
def test_npy_of_every_dtype_and_byte_order(tmp_path, dtype, order):
    array = example(np.dtype(dtype).newbyteorder(order))
    np.save(tmp_path / "a.npy", array)
    with open_tensors(tmp_path / "a.npy") as file:
        assert file.tensors[""].dtype == np.dtype(dtype).name
        assert file.tensors[""].shape == (2, 3, 4)
        for elements in (1, 5, 24, 100):
            assert np.array_equal(whole(file, "", elements), array.ravel())


def test_npy_scalars_empty_arrays_text_and_index_order(tmp_path):
    arrays = {
        "scalar": np.float32(2.5),
        "empty": np.empty((0, 3)),
        "text": np.array(["setosa", "virginica"]),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "flat": np.asfortranarray(np.arange(3.0)),
        "when": np.array(["2024-01-01"], dtype="datetime64[D]"),
    }
    np.savez(tmp_path / "a.npz", **arrays)
    with open_tensors(tmp_path / "a.npz") as file:
        assert list(file.tensors) == list(arrays)
        assert file.tensors["scalar"].shape == ()
        assert file.tensors["scalar"].elements == 1
        assert file.tensors["empty"].elements == 0
        assert whole(file, "text").tolist() == ["setosa", "virginica"]
        assert file.tensors["fortran"].fortran
        assert whole(file, "fortran").tolist() == [0, 3, 1, 4, 2, 5]
        assert not file.tensors["flat"].fortran


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_stored_and_deflated(tmp_path, save):
    rng = np.random.default_rng(0)
    arrays = {"w/1": rng.normal(size=(300, 70)).astype("f4"), "b": np.zeros(100_000)}
    save(tmp_path / "a.npz", **arrays)
    with open_tensors(tmp_path / "a.npz") as file:
        for name, array in arrays.items():
            assert np.array_equal(whole(file, name, 999), array.ravel())


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d != "c16"])
def test_safetensors_as_its_own_library_writes_them(tmp_path, dtype):
    save_file({"b": example(dtype), "a": example(dtype)[:0]}, tmp_path / "a.safetensors", metadata={"epoch": "3"})
    with open_tensors(tmp_path / "a.safetensors") as file:
        assert set(file.tensors) == {"a", "b"}
        assert file.tensors["b"].dtype == np.dtype(dtype).name
        assert np.array_equal(whole(file, "b", 7), example(dtype).ravel())


def write_safetensors(path, dtype, raw, shape):
    header = f'{{"w":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{len(raw)}]}}}}'.encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + raw)


def test_bfloat16_is_the_upper_half_of_float32(tmp_path):
    values = np.array([1.0, -2.5, 3.140625, 0.0, -0.0, 1e-40, np.inf], dtype="f4")
    halves = (values.view("u4") >> 16).astype("<u2")
    write_safetensors(tmp_path / "a.safetensors", "BF16", halves.tobytes(), [7])
    with open_tensors(tmp_path / "a.safetensors") as file:
        assert file.tensors["w"].dtype == "bfloat16"
        read = whole(file, "w", 3)
    assert read.dtype == np.float32
    assert np.array_equal(read.view("u4"), (values.view("u4") >> 16) << 16)


def test_float8_by_the_tables_of_its_paper(tmp_path):
    write_safetensors(tmp_path / "a.safetensors", "F8_E4M3", bytes([0x00, 0x01, 0x08, 0x38, 0x7E, 0xB8, 0x7F]), [7])
    with open_tensors(tmp_path / "a.safetensors") as file:
        read = whole(file, "w")
    assert read[:6].tolist() == [0, 2.0**-9, 2.0**-6, 1, 448, -1]
    assert np.isnan(read[6])
    write_safetensors(tmp_path / "b.safetensors", "F8_E5M2", bytes([0x01, 0x04, 0x3C, 0x7B, 0x7C, 0xBC]), [6])
    with open_tensors(tmp_path / "b.safetensors") as file:
        assert whole(file, "w").tolist() == [2.0**-16, 2.0**-14, 1, 57344, np.inf, -1]


def test_a_dtype_without_a_reader_is_undecidable_rather_than_unsafe(tmp_path):
    write_safetensors(tmp_path / "a.safetensors", "F4", b"\0", [2])
    with pytest.raises(UndecidableError, match="F4"):
        open_tensors(tmp_path / "a.safetensors")
    (tmp_path / "model.tflite").write_bytes(b"\x1c\0\0\0TFL3")
    with pytest.raises(UndecidableError, match="format"):
        open_tensors(tmp_path / "model.tflite")


def test_content_decides_when_the_suffix_is_strange(tmp_path):
    save_file({"w": example("f4")}, tmp_path / "a.safetensors")
    (tmp_path / "weights.dat").write_bytes((tmp_path / "a.safetensors").read_bytes())
    with open_tensors(tmp_path / "weights.dat") as file:
        assert list(file.tensors) == ["w"]


def test_a_safetensors_header_that_begins_like_a_pickle_is_none(tmp_path):
    for length in (0x0280, 0x0480):
        header = b'{"__metadata__":{"x":"' + b"y" * (length - 25) + b'"}}'
        assert len(header) == length
        (tmp_path / "a.safetensors").write_bytes(length.to_bytes(8, "little") + header)
        with open_tensors(tmp_path / "a.safetensors") as file:
            assert not file.tensors
