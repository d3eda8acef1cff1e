"""Models that the onnx library wrote, checked against what it reads."""

from __future__ import annotations

import os

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from auditor.compare.errors import Refused
from auditor.compare.tensors import open_tensors
from auditor.compare.tensors.text import packed
from auditor.errors import UndecidableError

DTYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "c8", "c16"]


def model(tensors, nodes=(), **options):
    graph = helper.make_graph(list(nodes), "g", [], [], initializer=list(tensors), **options)
    return helper.make_model(graph)


def save(path, *tensors, **options):
    onnx.save(model(tensors, **options), path)
    return path


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("raw", [True, False])
def test_dtypes_as_raw_bytes_and_as_typed_fields(tmp_path, look, dtype, raw):
    values = (np.arange(24) % 7 - (0 if dtype[0] in "u?" else 3)).astype(dtype).reshape(2, 3, 4)
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    if dtype == "f2" and not raw:
        values = values.astype("f4")
    content = values.tobytes() if raw else values.ravel().tolist()
    tensor = helper.make_tensor("w", kind, values.shape, content, raw=raw)
    path = save(tmp_path / "a.onnx", tensor, numpy_helper.from_array(np.float32(2.5), "scalar"))
    assert look.tensors(path)["w"].shape == (2, 3, 4)
    expected = numpy_helper.to_array(tensor)
    assert look.tensors(path)["w"].dtype == expected.dtype.name
    assert look.whole(path, "w").tolist() == expected.ravel().tolist()
    assert look.whole(path, "scalar").tolist() == [2.5]


@pytest.mark.parametrize(
    "name", ["BFLOAT16", "FLOAT8E4M3FN", "FLOAT8E5M2", "FLOAT8E4M3FNUZ", "FLOAT8E5M2FNUZ", "FLOAT8E8M0"]
)
@pytest.mark.parametrize("raw", [True, False])
def test_dtypes_that_numpy_lacks(tmp_path, look, name, raw):
    kind = getattr(TensorProto, name)
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    values = np.array([1, 2, 0.5, 4], "f4").astype(dtype)
    if raw:
        tensor = helper.make_tensor("w", kind, [4], values.tobytes(), raw=True)
    else:
        tensor = helper.make_tensor("w", kind, [4], [1, 2, 0.5, 4])
    assert look.whole(save(tmp_path / "a.onnx", tensor), "w").tolist() == [1, 2, 0.5, 4]


def test_ml_dtypes_agrees_with_the_decoding_that_needs_no_library(tmp_path, look):
    for name in ("bfloat16", "float8_e4m3fn", "float8_e5m2"):
        dtype = np.dtype(getattr(ml_dtypes, name))
        codes = np.arange(256).astype(f"u{dtype.itemsize}") << (8 * (dtype.itemsize - 1))
        kind = helper.np_dtype_to_tensor_dtype(dtype)
        tensor = helper.make_tensor("w", kind, [256], codes.tobytes(), raw=True)
        read = look.whole(save(tmp_path / "a.onnx", tensor), "w")
        assert np.array_equal(read, codes.view(dtype).astype("f4"), equal_nan=True)


def test_a_nudged_initializer_is_found_by_name(tmp_path, look):
    values = np.random.default_rng(0).normal(size=(30, 40)).astype("f4")
    tensors = {"a": values, "b": values[0]}
    one = save(tmp_path / "a.onnx", *(numpy_helper.from_array(v, n) for n, v in tensors.items()))
    nudged = values.copy()
    nudged[3, 4] += 1e-2
    other = save(tmp_path / "b.onnx", *(numpy_helper.from_array(v, n) for n, v in {**tensors, "a": nudged}.items()))
    assert look.same(one, one)
    assert look.diverged(one, other) == {"a"}
    assert "[3, 4]" in look.compared(one, other)["a"].note
    np.savez(tmp_path / "a.npz", **tensors)
    assert look.same(tmp_path / "a.npz", one)


def test_constants_in_nodes_and_subgraphs_and_sparse_ones(tmp_path, look):
    inner = helper.make_graph([], "inner", [], [], initializer=[numpy_helper.from_array(np.ones(2), "w")])
    nodes = [
        helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.arange(3.0), "ignored")),
        helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner),
    ]
    values, places = numpy_helper.from_array(np.ones(2), "s"), numpy_helper.from_array(np.array([1, 2]), "")
    sparse = helper.make_sparse_tensor(values, places, [5])
    path = save(tmp_path / "a.onnx", numpy_helper.from_array(np.ones(2), "w"), nodes=nodes, sparse_initializer=[sparse])
    names = {"w", "c/value", "y/then_branch/w", "y/else_branch/w", "s", "s/indices"}
    assert set(look.tensors(path)) == names


def test_text_is_compared_exactly_whatever_the_tolerance(tmp_path, look):
    words = [b"a", b"x" * 100, b"", "é".encode()]
    one = save(tmp_path / "a.onnx", helper.make_tensor("w", TensorProto.STRING, [4], words))
    assert look.whole(one, "w", 3).tolist() == [packed(word).rstrip(b"\0") for word in words]
    other = save(tmp_path / "b.onnx", helper.make_tensor("w", TensorProto.STRING, [4], [*words[:3], b"e"]))
    assert look.same(one, one)
    assert look.diverged(one, other) == {"w"}


def test_packed_half_bytes_are_compared_as_bytes(tmp_path, look):
    path = save(tmp_path / "a.onnx", helper.make_tensor("w", TensorProto.INT4, [5], [1, -2, 3, 4, 5]))
    info = look.tensors(path)["w"]
    assert (info.dtype, info.shape, info.exact) == ("onnx_int4", (3,), True)
    assert look.whole(path, "w").tolist() == [0xE1, 0x43, 0x05]


def external(tmp_path, location="data.bin", **entries):
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    (tmp_path / "m").mkdir(exist_ok=True)
    (tmp_path / "m" / "a.onnx").write_bytes(model([tensor]).SerializeToString())
    return tmp_path / "m" / "a.onnx"


def test_external_data_beside_the_model(tmp_path, look):
    values = np.arange(200_000, dtype="f4")
    onnx.save(
        model([numpy_helper.from_array(values, "w"), numpy_helper.from_array(values[:50_000] + 1, "v")]),
        tmp_path / "a.onnx",
        save_as_external_data=True,
        location="weights.bin",
    )
    assert look.whole(tmp_path / "a.onnx", "w", 65_536).tolist() == values.tolist()
    assert look.whole(tmp_path / "a.onnx", "v", 65_536).tolist() == (values[:50_000] + 1).tolist()


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({"location": "../data.bin"}, "outside"),
        ({"location": "/etc/passwd"}, "outside"),
        ({"location": "link"}, "outside"),
        ({"location": ""}, "outside"),
        ({"location": "absent"}, "missing"),
        ({"location": "."}, "outside"),
        ({"location": "pipe"}, "pipe"),
        ({"offset": 4}, "does not fill"),
        ({"length": 8}, "does not fill"),
        ({"offset": -4}, "offsets"),
        ({"offset": "9" * 30}, "offsets"),
        ({"length": "12 "}, "offsets"),
    ],
)
def test_external_data_that_leads_elsewhere_or_lies(tmp_path, entries, reason):
    path = external(tmp_path, **entries)
    (tmp_path / "data.bin").write_bytes(bytes(12))
    (tmp_path / "m" / "data.bin").write_bytes(bytes(12))
    (tmp_path / "m" / "link").symlink_to("../data.bin")
    os.mkfifo(tmp_path / "m" / "pipe")
    with pytest.raises(Refused, match=reason):
        open_tensors(path)


def test_external_data_that_changes_while_it_is_read(tmp_path):
    path = external(tmp_path)
    (tmp_path / "m" / "data.bin").write_bytes(bytes(12))
    with pytest.raises(Refused, match="changed"), open_tensors(path):
        (tmp_path / "m" / "data.bin").write_bytes(bytes(13))


def drain(path):
    with open_tensors(path) as file:
        for name in file.tensors:
            list(file.blocks(name))


def lying(**fields):
    tensor = numpy_helper.from_array(np.ones(4, "f4"), "w")
    for field, value in fields.items():
        if isinstance(value, list):
            tensor.ClearField(field)
            getattr(tensor, field).extend(value)
        else:
            setattr(tensor, field, value)
    return tensor


@pytest.mark.parametrize(
    ("tensor", "reason"),
    [
        (lying(dims=[1 << 40]), "does not fill"),
        (lying(dims=[1 << 62, 1 << 62]), "does not fill"),
        (lying(dims=[-1]), "shape"),
        (lying(dims=[1] * 65), "shape"),
        (lying(data_type=TensorProto.DOUBLE), "does not fill"),
        (lying(float_data=[1.0]), "twice"),
        (lying(raw_data=b""), "does not fill"),
        (lying(raw_data=b"", data_type=TensorProto.INT32, int32_data=[1, 2, 3]), "does not fill"),
        (lying(raw_data=b"", data_type=TensorProto.INT8, int32_data=[1, 2, 3, 300]), "too large"),
        (lying(raw_data=b"", data_type=TensorProto.INT64, int64_data=[300, 1, 1, 1, 1]), "more elements"),
        (lying(raw_data=b"", data_type=TensorProto.INT64, int64_data=[300, 300]), "ends before"),
    ],
)
def test_tensors_that_lie(tmp_path, tensor, reason):
    (tmp_path / "a.onnx").write_bytes(model([tensor]).SerializeToString())
    with pytest.raises(Refused, match=reason):
        drain(tmp_path / "a.onnx")


def test_what_is_no_model(tmp_path):
    twice = [numpy_helper.from_array(np.ones(2), "w")] * 2
    for content, reason in [
        (b"\x08\x07 some protobuf", "no protobuf"),
        (b"\x08\x07", "no graph"),
        (b"\xff" * 20, "without end"),
        (model([]).SerializeToString()[:-1], "longer|no ONNX"),
        (model(twice).SerializeToString(), "two tensors"),
    ]:
        (tmp_path / "a.onnx").write_bytes(content)
        with pytest.raises(Refused, match=reason):
            open_tensors(tmp_path / "a.onnx")
    tensor = lying(data_type=99)
    (tmp_path / "a.onnx").write_bytes(model([tensor]).SerializeToString())
    with pytest.raises(UndecidableError, match="type 99"):
        open_tensors(tmp_path / "a.onnx")
