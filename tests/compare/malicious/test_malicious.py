"""The whole folder is refused, file by file, each with its reason; nothing in it runs, and none of it costs memory."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import gguf
import h5py
import joblib
import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from click.testing import CliRunner
from onnx import helper, numpy_helper

from auditor.cli.compare import command
from auditor.compare.errors import Pickled, Refused
from auditor.compare.tensors import dtypes, open_tensors
from auditor.errors import UndecidableError

REASONS = {
    "bare.pkl": "it is a pickle",
    "bare.pt": "it is a pickle",
    "bare.ckpt": "it is a pickle",
    "bare.bin": "it is a pickle",
    "disguised.safetensors": "it is a pickle",
    "disguised.onnx": "it is a pickle",
    "disguised.gguf": "it is a pickle",
    "zip-2.pt": "asks for posix.mkdir",
    "zip-4.pt": "asks for posix.mkdir",
    "zip-5.pt": "asks for posix.mkdir",
    "legacy.pth": "it is a pickle",
    "model.joblib": "it is a pickle",
    "packed.joblib": "it is a pickle",
    "objects.npz": "array of Python objects",
    "objects.npy": "array of Python objects",
    "inside.npz": "archive around a pickle",
    "old-reduce.pt": "asks for os.mkdir",
    "inst.pt": "operation INST",
    "obj.pt": "asks for os.mkdir",
    "newobj.pt": "asks for os.mkdir",
    "build.pt": "operation",
    "extension.pt": "operation EXT1",
    "by-stack.pt": "asks for posix.mkdir",
    "getattr.pt": "asks for __builtin__.getattr",
    "inner-name.pt": "asks for torch._utils.os.mkdir",
    "persistent.pt": "asks for os.system",
    "storage-too-long.pt": "16 bytes where 4398046511104 are declared",
    "storage-missing.pt": "storage ../../etc/passwd is missing",
    "view-outside.pt": "reaches beyond its storage",
    "view-far-outside.pt": "reaches beyond its storage",
    "view-endless.pt": "200 times",
    "view-overflowing.pt": "reaches beyond its storage",
    "view-negative.pt": "arguments that it does not take",
    "view-backwards.pt": "arguments that it does not take",
    "view-uneven.pt": "arguments that it does not take",
    "view-of-many-dimensions.pt": "arguments that it does not take",
    "storage-unused.pt": "storage 1 belongs to no tensor",
    "no-order.pt": "neither little nor big",
    "shared.safetensors": "overlaps another one",
    "beyond.safetensors": "beyond the end of the file",
    "overflow.safetensors": "does not fill",
    "two-gigabytes.safetensors": "larger than",
    "two-gigabytes.npy": "declares 2147483648 bytes",
    "truncated.npy": "ends before",
    "two-gigabytes.parquet": "footer of 2147483648 bytes",
    "many.gguf": "declares 1152921504606846976 tensors",
    "truncated.safetensors": "header of",
    "truncated.h5": "damaged",
    "empty.npz": "it is empty",
    "nothing.pt": "it is empty",
    "swapped.safetensors": "declares a header of",
    "swapped.npy": "declares",
    "bomb.npz": "more than 200 times",
    "bomb.pt": "compressed where the format stores it",
    "doubling.pt": "nests too deeply",
    "circle.pt": "nests too deeply",
    "deep.pt": "nests too deeply",
    "number.pt": "damaged",
    "bomb.h5": "more than 200 times",
    "brackets.ubj": "nests too deeply",
    "brackets.json": "no JSON",
    "pipe.pt": "a named pipe",
    "loop.npz": "leads back to itself",
    "device.safetensors": "a character device",
    "directory.pt": "a directory",
}


def test_the_list_is_the_folder(malicious):
    folder, _ = malicious
    assert {path.name for path in folder.iterdir()} == set(REASONS)


@pytest.mark.parametrize("name", REASONS)
def test_each_is_refused_with_its_reason(malicious, name):
    folder, effect = malicious
    with pytest.raises(Refused) as refusal:
        open_tensors(folder / name)
    assert REASONS[name] in refusal.value.message
    if "pickle" in REASONS[name] or "asks for" in REASONS[name] or "operation" in REASONS[name]:
        assert isinstance(refusal.value, Pickled)
        assert "safetensors" in refusal.value.hint
    assert not effect.exists()


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("bare.pkl", lambda path: pickle.loads(path.read_bytes())),  # noqa: S301 - the trap that this test is about
        ("zip-2.pt", lambda path: torch.load(path, weights_only=False)),
        ("legacy.pth", lambda path: torch.load(path, weights_only=False)),
        ("objects.npz", lambda path: np.load(path, allow_pickle=True)["w"]),
        ("model.joblib", joblib.load),
    ],
)
def test_the_traps_are_real(trapped, name, load):
    folder, effect = trapped
    assert not effect.exists()
    load(folder / name)
    assert effect.exists()


@pytest.mark.parametrize("name", ["zip-2.pt", "doubling.pt", "two-gigabytes.safetensors", "directory.pt", "bomb.h5"])
def test_the_command_says_so_and_blocks(malicious, name):
    folder, effect = malicious
    result = CliRunner().invoke(command, [str(folder / name), str(folder / name)])
    assert result.exit_code == 1
    assert "refused" in result.output
    assert not effect.exists()


def test_the_whole_folder_costs_no_memory_and_no_import_of_a_framework(malicious):
    folder, effect = malicious
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from auditor.compare.errors import Refused\n"
        "from auditor.compare.tensors import open_tensors\n"
        "import h5py, pyarrow.parquet\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; refused = 0\n"
        "for path in sorted(Path(sys.argv[1]).iterdir()):\n"
        "    try: open_tensors(path)\n"
        "    except Refused: refused += 1\n"
        "print(refused, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    refused, kibibytes, torch_loaded = done.stdout.split()
    assert int(refused) == len(REASONS)
    assert int(kibibytes) < 200 << 10
    assert torch_loaded == "False"
    assert not effect.exists()


def test_a_footer_over_which_pyarrow_would_end_the_process():
    """Found by fuzzing: a histogram of the wrong length is a C++ exception that nobody catches, where columns are asked."""
    code = (
        "import sys; from pathlib import Path; from auditor.compare.tensors import open_tensors\n"
        "from auditor.compare.errors import Refused\n"
        "try: open_tensors(Path(sys.argv[1]))\n"
        "except Refused: print('refused')\n"
    )
    path = Path(__file__).with_name("histogram.parquet")
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "refused\n")


@pytest.mark.parametrize("suffix", ["pt", "onnx", "h5", "gguf", "parquet"])
def test_a_file_that_changes_while_it_is_read(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    WRITERS[suffix](path)
    with pytest.raises(Refused, match="changed"), open_tensors(path):
        path.write_bytes(path.read_bytes() + b"!")


def write_onnx(path):
    graph = helper.make_graph([], "g", [], [], [numpy_helper.from_array(np.ones(3), "w")])
    onnx.save(helper.make_model(graph), path)


def write_hdf5(path):
    with h5py.File(path, "w") as file:
        file["w"] = np.ones(3)


def write_gguf(path):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tensor("w", np.ones((2, 4), "f4"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_parquet(path):
    pq.write_table(pa.table({"w": [1.0]}), path)


WRITERS = {
    "pt": lambda path: torch.save({"w": torch.ones(3)}, path),
    "onnx": write_onnx,
    "h5": write_hdf5,
    "gguf": write_gguf,
    "parquet": write_parquet,
}


@pytest.mark.parametrize(
    ("library", "suffix", "extra"), [("h5py", "h5", "hdf5"), ("pyarrow", "parquet", "tables"), ("ml_dtypes", "pt", "dtypes")]
)
def test_a_missing_library_is_inconclusive_and_names_the_extra(tmp_path, monkeypatch, library, suffix, extra):
    path = tmp_path / f"a.{suffix}"
    if suffix == "pt":
        torch.save({"w": torch.ones(3).to(torch.float8_e5m2fnuz)}, path)
    else:
        WRITERS[suffix](path)
    dtypes._table.cache_clear()
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UndecidableError, match=library) as unread:
        open_tensors(path)
    assert f"ml-run-auditor[{extra}]" in unread.value.hint
    result = CliRunner().invoke(command, [str(path), str(path)])
    assert result.exit_code == 4
