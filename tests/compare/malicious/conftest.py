"""A folder of hostile files, made anew for every run: whatever is in it has to be refused, and nothing in it may run."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from pathlib import Path

import h5py
import joblib
import numpy as np
import pytest
import torch
from safetensors.numpy import save_file


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def checkpoint(path, content, storages=None, **members):
    """A zip checkpoint around this pickle."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        for key, storage in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", storage)
        for name, member in members.items():
            archive.writestr(f"archive/{name}", member)


def safetensors(path, header, data=b""):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def pickles(folder, trap):
    """Each creates a file when it is loaded by what its suffix promises."""
    raw = pickle.dumps(trap)
    for name in (
        "bare.pkl",
        "bare.pt",
        "bare.ckpt",
        "bare.bin",
        "disguised.safetensors",
        "disguised.onnx",
        "disguised.gguf",
    ):
        (folder / name).write_bytes(raw)
    for protocol in (2, 4, 5):
        torch.save({"w": torch.ones(3), "x": trap}, folder / f"zip-{protocol}.pt", pickle_protocol=protocol)
    torch.save({"w": torch.ones(3), "x": trap}, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    joblib.dump(trap, folder / "model.joblib")
    joblib.dump(trap, folder / "packed.joblib", compress=3)
    np.savez(folder / "objects.npz", w=np.array([trap], dtype=object))
    np.save(folder / "objects.npy", np.array([trap], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(folder / "inside.npz", "w") as archive:
        archive.writestr("data.pkl", raw)
    # Operations that never appear in files of tensors, each with a way to run code.
    parts = {
        "old-reduce": b"cos\nmkdir\n(V" + trap.path.encode() + b"\ntR.",
        "inst": b"(ios\ngetcwd\n.",
        "obj": b"(cos\nmkdir\nV" + trap.path.encode() + b"\no.",
        "newobj": b"\x80\x02cos\nmkdir\nV" + trap.path.encode() + b"\n\x85\x81.",
        "build": b"\x80\x02}(Va\nK\x01ub.",
        "extension": b"\x80\x02\x82\x01.",
        "by-stack": b"\x80\x04\x8c\x05posix\x8c\x05mkdir\x93\x8c" + bytes([len(trap.path)]) + trap.path.encode() + b"\x85R.",
        "getattr": b"\x80\x02c__builtin__\ngetattr\ncos\nmkdir\n\x86R.",
        "inner-name": b"\x80\x02ctorch\n_utils.os.mkdir\n.",
        "persistent": b"\x80\x02cos\nsystem\nQ.",
    }
    for name, content in parts.items():
        checkpoint(folder / f"{name}.pt", content)


def view(key="0", items=4, offset=0, shape=(4,), strides=(1,)):
    """The pickle of one tensor with these declarations."""

    class Described:
        def __reduce__(self):
            return torch._utils._rebuild_tensor_v2, (Stored(), offset, shape, strides, False, {})

    class Stored:
        pass

    class Writer(pickle.Pickler):
        def persistent_id(self, thing):
            described = ("storage", torch.FloatStorage, key, "cpu", items)
            return described if isinstance(thing, Stored) else None

    buffer = io.BytesIO()
    Writer(buffer, 2).dump({"w": Described()})
    return buffer.getvalue()


def lies(folder):
    """Headers that promise what the file does not hold."""
    data = {"0": bytes(16)}
    for name, declared in {
        "storage-too-long": {"items": 1 << 40},
        "storage-missing": {"key": "../../etc/passwd"},
        "view-outside": {"offset": 1},
        "view-far-outside": {"strides": (1 << 40,)},
        "view-endless": {"shape": (1 << 40,), "strides": (0,)},
        "view-overflowing": {"shape": (1 << 60, 1 << 60), "strides": (1, 1)},
        "view-negative": {"shape": (-4,)},
        "view-backwards": {"strides": (-1,)},
        "view-uneven": {"strides": (1, 1)},
        "view-of-many-dimensions": {"shape": (1,) * 65, "strides": (1,) * 65},
    }.items():
        checkpoint(folder / f"{name}.pt", view(**declared), data)
    checkpoint(folder / "storage-unused.pt", view(), {**data, "1": bytes(4)})
    checkpoint(folder / "no-order.pt", view(), data, byteorder=b"middle")
    entry = {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}
    safetensors(folder / "shared.safetensors", {"a": entry, "b": entry}, b"abcd")
    safetensors(folder / "beyond.safetensors", {"a": {**entry, "data_offsets": [0, 1 << 60]}}, b"abcd")
    safetensors(folder / "overflow.safetensors", {"a": {**entry, "shape": [1 << 62, 1 << 62]}}, b"abcd")
    with (folder / "two-gigabytes.safetensors").open("wb") as stream:
        stream.write(struct.pack("<Q", 2 << 30) + b"{")
        stream.truncate((2 << 30) + 100)
    for name, length in (("two-gigabytes.npy", 1 << 31), ("truncated.npy", 100)):
        (folder / name).write_bytes(b"\x93NUMPY\x02\0" + struct.pack("<I", length))
    (folder / "two-gigabytes.parquet").write_bytes(b"PAR1" + bytes(8) + struct.pack("<I", 1 << 31) + b"PAR1")
    (folder / "many.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0))
    save_file({"w": np.ones(9)}, folder / "truncated.safetensors")
    os.truncate(folder / "truncated.safetensors", 60)
    with h5py.File(folder / "truncated.h5", "w") as file:
        file["w"] = np.ones(1000)
    os.truncate(folder / "truncated.h5", 4000)
    (folder / "empty.npz").touch()
    (folder / "nothing.pt").touch()


def swapped(folder):
    """Lengths and offsets in the byte order that the format does not have."""
    text = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / "swapped.safetensors").write_bytes(struct.pack(">Q", len(text)) + text + bytes(4))
    (folder / "swapped.npy").write_bytes(b"\x93NUMPY\x01\0" + struct.pack(">H", 118) + bytes(118))


def bombs(folder):
    """Small files that would be large."""
    with zipfile.ZipFile(folder / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("w.npy", "w") as stream:
        shape = {"descr": "|u1", "fortran_order": False, "shape": (300 << 20,)}
        np.lib.format.write_array_header_1_0(stream, shape)
        for _ in range(300):
            stream.write(bytes(1 << 20))
    with zipfile.ZipFile(folder / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", view(items=1 << 20, shape=(1 << 20,)))
        archive.writestr("archive/data/0", bytes(4 << 20))
    # Lists that hold lists that hold lists: a few bytes, two to the power of forty leaves.
    doubling = b"\x80\x02" + b"]q\0(K\x01K\x02e" + b"".join(b"](h%ch%ceq%c" % (n, n, n + 1) for n in range(40)) + b"."
    checkpoint(folder / "doubling.pt", doubling)
    checkpoint(folder / "circle.pt", b"\x80\x02]q\0h\0a.")
    checkpoint(folder / "deep.pt", b"\x80\x02" + b"]" * 5000 + b"a" * 4999 + b".")
    checkpoint(folder / "number.pt", b"\x80\x02\x8b\xff\xff\xff\x7f.")
    with h5py.File(folder / "bomb.h5", "w") as file:
        file.create_dataset("w", shape=(1 << 40,), dtype="f4", chunks=(1 << 10,))
    (folder / "brackets.ubj").write_bytes(b"{L\0\0\0\0\0\0\0\x07learner" + b"[" * 100_000)
    (folder / "brackets.json").write_bytes(b'{"learner": ' + b"[" * 100_000)


def no_files(folder):
    """What is no regular file."""
    os.mkfifo(folder / "pipe.pt")
    (folder / "loop.npz").symlink_to("loop.npz")
    (folder / "device.safetensors").symlink_to("/dev/zero")
    (folder / "directory.pt").mkdir()


@pytest.fixture
def trapped(tmp_path):
    """A folder of pickles of its own, for a test that loads them, and what that creates."""
    folder, effect = tmp_path / "trapped", tmp_path / "effect"
    folder.mkdir()
    pickles(folder, Trap(effect))
    return folder, effect


@pytest.fixture(scope="module")
def malicious(tmp_path_factory) -> tuple[Path, Path]:
    """The folder, and the file that loading one of its pickles would create."""
    base = tmp_path_factory.mktemp("malicious")
    folder, effect = base / "folder", base / "effect"
    folder.mkdir()
    pickles(folder, Trap(effect))
    lies(folder)
    swapped(folder)
    bombs(folder)
    no_files(folder)
    return folder, effect
