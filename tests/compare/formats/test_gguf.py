"""Files that the gguf library wrote, and headers that lie."""

from __future__ import annotations

import struct

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFEndian

from auditor.compare.errors import Refused
from auditor.compare.tensors import gguf as reader
from auditor.compare.tensors import open_tensors
from auditor.errors import UndecidableError
from auditor.model.comparison import Tolerance


def write(path, tensors, endian=GGUFEndian.LITTLE, alignment=None, packed=()):
    writer = gguf.GGUFWriter(path, "llama", endianess=endian)
    writer.add_uint32("x.count", 3)
    writer.add_array("tokenizer.ggml.tokens", ["a", "bc", "d" * 300])
    writer.add_array("x.floats", [1.0, 2.0])
    writer.add_bool("x.flag", True)
    if alignment:
        writer.add_custom_alignment(alignment)
    for name, array in tensors.items():
        writer.add_tensor(name, array.copy())
    for name, array, kind in packed:
        writer.add_tensor(name, array.copy(), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def example():
    rng = np.random.default_rng(0)
    kinds = ["f2", "f4", "f8", "i1", "i2", "i4", "i8"]
    return {kind: (rng.normal(size=(3, 64)) * 10).astype(kind) for kind in kinds}


@pytest.mark.parametrize("endian", [GGUFEndian.LITTLE, GGUFEndian.BIG])
@pytest.mark.parametrize("alignment", [None, 8, 256])
def test_every_plain_dtype_byte_order_and_alignment(tmp_path, look, endian, alignment):
    path = write(tmp_path / "a.gguf", example(), endian, alignment)
    for name, array in example().items():
        info = look.tensors(path)[name]
        assert (info.dtype, info.shape) == (array.dtype.name, array.shape)
        assert look.whole(path, name).tolist() == array.ravel().tolist()
    with open_tensors(path) as file:
        assert file.listed["tokenizer.ggml.tokens"] == "metadata"


def test_a_nudged_element_is_found_by_name(tmp_path, look):
    one = write(tmp_path / "a.gguf", example())
    changed = example()
    changed["f4"][1, 2] += 1
    other = write(tmp_path / "b.gguf", changed)
    assert look.same(one, one)
    assert look.diverged(one, other) == {"f4"}
    np.savez(tmp_path / "a.npz", **example())
    assert look.same(tmp_path / "a.npz", one)


def test_quantised_tensors_are_compared_byte_by_byte_whatever_the_tolerance(tmp_path, look):
    values = np.random.default_rng(0).normal(size=(4, 256)).astype("f4")
    q8 = gguf.quants.quantize(values, GGMLQuantizationType.Q8_0)
    bf16 = gguf.quants.quantize(values, GGMLQuantizationType.BF16)
    packed = [("q", q8, GGMLQuantizationType.Q8_0), ("b", bf16, GGMLQuantizationType.BF16)]
    one = write(tmp_path / "a.gguf", {}, packed=packed)
    info = look.tensors(one)["q"]
    assert (info.dtype, info.shape, info.exact) == ("ggml_q8_0", q8.shape, True)
    assert look.tensors(one)["b"].dtype == "bfloat16"
    assert look.whole(one, "b").tolist() == gguf.quants.dequantize(bf16, GGMLQuantizationType.BF16).ravel().tolist()
    nudged = q8.copy()
    nudged[1, 5] ^= 1
    other = write(tmp_path / "b.gguf", {}, packed=[("q", nudged, GGMLQuantizationType.Q8_0), packed[1]])
    assert look.diverged(one, other, Tolerance(absolute=1e9)) == {"q"}


def test_the_table_of_types_is_the_library_s():
    sizes = {int(kind): size for kind, size in gguf.GGML_QUANT_SIZES.items()}
    ours = {kind: (per_block, size) for kind, (_, per_block, size) in reader.PACKED.items()}
    ours |= {kind: sizes[kind] for kind in reader.PLAIN}
    assert ours == sizes
    names = {int(kind): kind.name.lower() for kind in gguf.GGML_QUANT_SIZES}
    assert {kind: name for kind, (name, _, _) in reader.PACKED.items()} == {kind: names[kind] for kind in reader.PACKED}


def text(content):
    return struct.pack("<Q", len(content)) + content


def tensor(name=b"w", shape=(8,), kind=0, offset=0):
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def header(*parts, tensors=0, pairs=0, version=3):
    return b"GGUF" + struct.pack("<IQQ", version, tensors, pairs) + b"".join(parts)


def pair(key, kind, content):
    return text(key) + struct.pack("<I", kind) + content


def padded(content, data=b""):
    return content + bytes(-len(content) % 32) + data


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (header(tensors=1 << 60), "tensors"),
        (header(pairs=1 << 60), "entries of metadata"),
        (header(pairs=1), "ends before"),
        (header(struct.pack("<Q", 1 << 62), pairs=1), "name of"),
        (header(pair(b"k", 8, struct.pack("<Q", 1 << 62)), pairs=1), "ends before"),
        (header(pair(b"k", 9, struct.pack("<IQ", 4, 1 << 62)), pairs=1), "ends before"),
        (header(pair(b"k", 9, struct.pack("<IQ", 8, 1 << 62)), pairs=1), "ends before"),
        (header(pair(b"k", 9, struct.pack("<IQ", 9, 1) * 9), pairs=1), "unknown kind"),
        (header(pair(b"k", 77, b""), pairs=1), "unknown kind, 77"),
        (header(pair(b"k", 4, bytes(4)) * 2, pairs=2), "twice"),
        (header(pair(b"general.alignment", 4, bytes(4)), pairs=1), "alignment"),
        (header(pair(b"general.alignment", 4, struct.pack("<I", 24)), pairs=1), "alignment"),
        (header(pair(b"general.alignment", 10, struct.pack("<Q", 32)), pairs=1), "alignment"),
        (padded(header(tensor(shape=(1,) * 9), tensors=1), bytes(32)), "9 dimensions"),
        (padded(header(tensor(shape=(1 << 60,)), tensors=1), bytes(32)), "beyond the end"),
        (padded(header(tensor(shape=(1 << 63, 1 << 63)), tensors=1), bytes(32)), "beyond the end"),
        (padded(header(tensor(offset=1 << 60), tensors=1), bytes(32)), "beyond the end"),
        (padded(header(tensor(offset=1 << 63), tensors=1), bytes(32)), "beyond the end"),
        (padded(header(tensor() * 2, tensors=2), bytes(32)), "two tensors"),
        (padded(header(tensor(), tensor(b"v"), tensors=2), bytes(32)), "overlaps"),
        (padded(header(tensor(), tensor(b"v", offset=64), tensors=2), bytes(96)), "does not begin where"),
        (padded(header(tensor(shape=(4,)), tensor(b"v", shape=(2,), offset=16), tensors=2), bytes(32)), "does not begin"),
        (padded(header(tensor(), tensors=1), bytes(64)), "belong to none"),
        (padded(header(tensor(kind=2), tensors=1), bytes(32)), "blocks of 32"),
    ],
)
def test_headers_that_lie(tmp_path, content, reason):
    (tmp_path / "a.gguf").write_bytes(content)
    with pytest.raises(Refused, match=reason):
        open_tensors(tmp_path / "a.gguf")


def test_versions_and_types_that_are_not_known(tmp_path):
    for content in (header(version=1), header(version=4), padded(header(tensor(kind=4), tensors=1), bytes(32))):
        (tmp_path / "a.gguf").write_bytes(content)
        with pytest.raises(UndecidableError):
            open_tensors(tmp_path / "a.gguf")


def test_every_truncation_is_refused(tmp_path):
    content = write(tmp_path / "a.gguf", {"w": np.ones((2, 8), "f4")}).read_bytes()
    for length in [*range(5, len(content) - 32, 7)]:
        (tmp_path / "b.gguf").write_bytes(content[:length])
        with pytest.raises(Refused):
            open_tensors(tmp_path / "b.gguf")
