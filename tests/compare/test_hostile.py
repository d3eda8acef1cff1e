"""Files that lie, explode or would run code: each refused with its reason, and none of them in effect."""

from __future__ import annotations

import io
import json
import os
import pickle
import resource
import tracemalloc
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pytest
from safetensors.numpy import save_file

from auditor.compare.errors import Pickled, Refused
from auditor.compare.source import Source, same_bytes
from auditor.compare.tensors import open_tensors
from auditor.errors import EmptySelectionError


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def drain(path):
    with open_tensors(path) as file:
        for name in file.tensors:
            for _ in file.blocks(name):
                pass


def pickle_of(kind, folder, bomb):
    path = folder / f"model.{kind}"
    match kind:
        case "npz":
            np.savez(path, w=np.array([bomb], dtype=object))
        case "npy":
            np.save(path, np.array([bomb], dtype=object), allow_pickle=True)
        case "joblib":
            joblib.dump(bomb, path)
        case "pt":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("archive/data.pkl", pickle.dumps(bomb))
        case "npz-with-pickle-inside":
            path = folder / "inside.npz"
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("data.pkl", pickle.dumps(bomb))
        case "disguised":
            path = folder / "model.safetensors"
            path.write_bytes(pickle.dumps(bomb))
        case _:
            path.write_bytes(pickle.dumps(bomb))
    return path


@pytest.mark.parametrize(
    "kind", ["npz", "npy", "joblib", "pt", "pth", "pkl", "pickle", "npz-with-pickle-inside", "disguised"]
)
def test_a_pickle_is_refused_with_advice_and_never_runs(tmp_path, kind):
    effect = tmp_path / "effect"
    path = pickle_of(kind, tmp_path, Bomb(effect))
    with pytest.raises(Pickled, match="pickl") as refusal:
        open_tensors(path)
    assert "safetensors" in refusal.value.hint
    assert not effect.exists()


@pytest.mark.parametrize("suffix", ["npy", "npz", "safetensors"])
def test_every_truncation_is_refused(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    array = np.arange(40, dtype="f4")
    {"npy": np.save, "npz": lambda p, a: np.savez_compressed(p, w=a), "safetensors": lambda p, a: save_file({"w": a}, p)}[
        suffix
    ](path, array)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(Refused):
            drain(path)


@pytest.mark.parametrize("suffix", ["npy", "safetensors"])
def test_bytes_after_the_end_are_refused(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    if suffix == "npy":
        np.save(path, np.arange(4))
    else:
        save_file({"w": np.arange(4)}, path)
    path.write_bytes(path.read_bytes() + b"!")
    with pytest.raises(Refused):
        open_tensors(path)


def test_damage_in_a_member_is_seen_by_its_checksum(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, w=np.arange(1000.0))
    content = bytearray(path.read_bytes())
    content[4000] ^= 1
    path.write_bytes(content)
    with pytest.raises(Refused, match="damaged"):
        drain(path)


def npy(header, data=b""):
    text = header if isinstance(header, bytes) else repr(header).encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


@pytest.mark.parametrize(
    ("header", "data"),
    [
        ({"descr": "<f4", "fortran_order": False, "shape": (1 << 60,)}, b"\0" * 4),
        ({"descr": "<f4", "fortran_order": False, "shape": (1 << 62, 1 << 62)}, b""),
        ({"descr": "<f4", "fortran_order": False, "shape": (-1,)}, b""),
        ({"descr": "<f4", "fortran_order": False, "shape": (True,)}, b"\0" * 4),
        ({"descr": "<f4", "fortran_order": False, "shape": [1]}, b"\0" * 4),
        ({"descr": "<f4", "fortran_order": 1, "shape": (1,)}, b"\0" * 4),
        ({"descr": "<f4", "fortran_order": False, "shape": (1,) * 65}, b"\0" * 4),
        ({"descr": "<V0", "fortran_order": False, "shape": (1 << 60,)}, b""),
        ({"descr": "<f4", "shape": (1,)}, b"\0" * 4),
        ({"descr": "nonsense", "fortran_order": False, "shape": (1,)}, b"\0" * 4),
        ({"descr": 7, "fortran_order": False, "shape": (1,)}, b"\0" * 4),
        (b"{'descr': __import__('os').getcwd(), 'fortran_order': False, 'shape': (1,)}", b"\0" * 4),
        (b"(" * 9000, b""),
        (b"\xff\xfe", b""),
    ],
)
def test_npy_headers_that_lie(tmp_path, header, data):
    path = tmp_path / "a.npy"
    path.write_bytes(npy(header, data))
    with pytest.raises(Refused):
        drain(path)


def test_a_huge_npy_header_is_refused_unread(tmp_path):
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x93NUMPY\x02\x00" + (2**31).to_bytes(4, "little"))
    with pytest.raises(Refused, match="header declares 2147483648"):
        open_tensors(path)


def safetensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(shape, begin, end, dtype="U8"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    ("header", "data", "reason"),
    [
        ({"a": entry([4], 0, 4)}, b"abc", "beyond the end"),
        ({"a": entry([4], 0, 4), "b": entry([4], 2, 6)}, b"abcdef", "overlaps"),
        ({"a": entry([4], 0, 4), "b": entry([4], 0, 4)}, b"abcd", "overlaps"),
        ({"a": entry([2], 0, 2), "b": entry([2], 3, 5)}, b"abcde", "belong to none"),
        ({"a": entry([2], 0, 2)}, b"abcde", "belong to none"),
        ({"a": entry([-1], 0, 4)}, b"abcd", "shape"),
        ({"a": entry([1 << 62, 1 << 62], 0, 4)}, b"abcd", "does not fill"),
        ({"a": entry([2], 0, 4)}, b"abcd", "does not fill"),
        ({"a": entry([4], 4, 0)}, b"abcd", "offsets"),
        ({"a": entry([4], -4, 0)}, b"abcd", "offsets"),
        ({"a": entry([True], 0, 1)}, b"a", "shape"),
        ({"a": entry([1.0], 0, 1)}, b"a", "shape"),
        ({"a": entry([1] * 65, 0, 1)}, b"a", "shape"),
        ({"a": {"dtype": "U8"}}, b"a", "entry"),
        ({"a": 3}, b"", "entry"),
        ([], b"", "no JSON object"),
        (
            b'{"a": {"dtype":"U8","shape":[1],"data_offsets":[0,1]}, "a": {"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
            b"a",
            "twice",
        ),
        (b"{" + b'"a":[' * 100_000, b"", "no JSON"),
        (b"\xff\xff", b"", "no JSON"),
    ],
)
def test_safetensors_headers_that_lie(tmp_path, header, data, reason):
    path = tmp_path / "a.safetensors"
    path.write_bytes(safetensors(header, data))
    with pytest.raises(Refused, match=reason):
        drain(path)


def test_a_header_of_two_gigabytes_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "a.safetensors"
    with path.open("wb") as stream:
        stream.write((2 << 30).to_bytes(8, "little") + b"{")
        stream.truncate((2 << 30) + 100)  # sparse: the file really is that long
    tracemalloc.start()
    with pytest.raises(Refused, match="larger than"):
        open_tensors(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def archive(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as made:
        for name, content in members:
            made.writestr(name, content)


@pytest.mark.parametrize("name", ["../w.npy", "/w.npy", "a/../../w.npy", "w.txt", "folder/"])
def test_npz_member_names_that_no_writer_of_arrays_gives(tmp_path, name):
    archive(tmp_path / "a.npz", [(name, npy({"descr": "|u1", "fortran_order": False, "shape": (1,)}, b"x"))])
    with pytest.raises(Refused):
        open_tensors(tmp_path / "a.npz")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_npz_with_two_members_of_one_name(tmp_path):
    content = npy({"descr": "|u1", "fortran_order": False, "shape": (1,)}, b"x")
    archive(tmp_path / "a.npz", [("w.npy", content), ("w.npy", content)])
    with pytest.raises(Refused, match="two members"):
        open_tensors(tmp_path / "a.npz")


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_npz_with_another_compression(tmp_path, compression):
    archive(tmp_path / "a.npz", [("w.npy", b"x" * 100)], compression)
    with pytest.raises(Refused, match="deflated"):
        open_tensors(tmp_path / "a.npz")


def test_npz_members_that_share_bytes_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    content = npy({"descr": "|u1", "fortran_order": False, "shape": (1,)}, b"x")
    archive(path, [("a.npy", content), ("b.npy", content)])
    raw = bytearray(path.read_bytes())
    second = raw.rindex(b"PK\x01\x02")
    raw[second + 42 : second + 46] = bytes(4)  # the second entry points at the first member
    path.write_bytes(raw)
    with pytest.raises(Refused, match="overlap"):
        open_tensors(path)


def zeros_member(path, size):
    """An archive with one honest array of ``size`` zero bytes, written without holding it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made, made.open("w.npy", "w", force_zip64=True) as stream:
        stream.write(npy({"descr": "|u1", "fortran_order": False, "shape": (size,)}))
        block = b"\0" * (1 << 20)
        for _ in range(size >> 20):
            stream.write(block)


def test_a_zip_bomb_is_refused_from_its_directory(tmp_path):
    zeros_member(tmp_path / "a.npz", 300 << 20)
    assert (tmp_path / "a.npz").stat().st_size < 1 << 20
    with pytest.raises(Refused, match="more than 200 times"):
        open_tensors(tmp_path / "a.npz")


def test_small_arrays_of_zeros_are_no_bomb_and_never_whole_in_memory(tmp_path):
    zeros_member(tmp_path / "a.npz", 64 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    drain(tmp_path / "a.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 << 10


def test_a_directory_that_understates_a_member_is_refused(tmp_path):
    """The central directory says 1,000 bytes, the stream inflates to more: nothing beyond is ever read."""
    path = tmp_path / "a.npz"
    zeros_member(path, 2 << 20)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(io.BytesIO(content)) as made:
        real = made.infolist()[0].file_size
    place = content.rindex(real.to_bytes(4, "little"))
    content[place : place + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(Refused):
        drain(path)


@pytest.mark.parametrize("suffix", ["npy", "npz", "safetensors", "dat"])
def test_a_file_without_bytes(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    path.touch()
    with pytest.raises(Refused):
        open_tensors(path)


def test_what_is_no_regular_file_is_named_and_never_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "zero.npy").symlink_to("/dev/zero")
    for name, reason in [(".", "a directory"), ("pipe", "pipe"), ("loop", "back to itself"), ("zero.npy", "device")]:
        with pytest.raises(Refused, match=reason):
            open_tensors(tmp_path / name)
    with pytest.raises(EmptySelectionError):
        open_tensors(tmp_path / "absent.npy")
    (tmp_path / "dangling").symlink_to("absent")
    with pytest.raises(EmptySelectionError):
        open_tensors(tmp_path / "dangling")


def test_a_device_is_not_even_opened(monkeypatch):
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("opened"))
    with pytest.raises(Refused, match="device"):
        Source(Path("/dev/zero"))


def test_a_symbolic_link_to_a_file_is_followed(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(3))
    (tmp_path / "b.npy").symlink_to("a.npy")
    drain(tmp_path / "b.npy")


def test_a_file_that_changes_while_it_is_read(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.arange(3))

    def change():
        path.write_bytes(path.read_bytes() + b"!")

    with pytest.raises(Refused, match="changed"), open_tensors(path):
        change()


def test_a_file_that_shrinks_while_it_is_read(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.arange(100_000.0))
    file = open_tensors(path)
    blocks = file.blocks("", 1000)
    next(blocks)
    os.truncate(path, 4000)
    with pytest.raises(Refused, match="ends before"):
        list(blocks)
    with pytest.raises(Refused, match="changed"), file:
        pass


def test_equal_bytes_over_block_borders(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for size in (0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20):
        content = os.urandom(size)
        one.write_bytes(content)
        other.write_bytes(content)
        assert same_bytes(one, other)
        if size:
            other.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
            assert not same_bytes(one, other)
            other.write_bytes(content[:-1])
            assert not same_bytes(one, other)


def test_reading_beyond_the_end_is_a_refusal_before_memory_is_taken(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    with Source(path) as source, pytest.raises(Refused):
        source.read(0, 1 << 60)
