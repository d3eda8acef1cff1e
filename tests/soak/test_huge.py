"""Shards of eight gigabytes, with holes in place of most of their bytes: memory does not grow with them."""

from __future__ import annotations

import json
import struct
import subprocess
import sys

import numpy as np
import pytest

HOLE = (1 << 33) + (1 << 20)
"""Bytes of the tensor before the one that matters, so that this lies beyond what 32 bits can say."""

WATCHED = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
print(done.stdout + done.stderr)
sys.exit(done.returncode)
"""


def shard(path, name, last):
    """A safetensors file whose first tensor is a hole of zeros."""
    header = {
        f"{name}.hole": {"dtype": "F32", "shape": [HOLE // 4], "data_offsets": [0, HOLE]},
        f"{name}.last": {"dtype": "F32", "shape": [len(last)], "data_offsets": [HOLE, HOLE + last.nbytes]},
    }
    raw = json.dumps(header).encode()
    raw += b" " * (-len(raw) % 8)
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", len(raw)) + raw)
        stream.seek(8 + len(raw) + HOLE)
        stream.write(last.tobytes())


def model(folder, last):
    folder.mkdir()
    weights = {}
    for number, values in enumerate((np.ones(8, np.float32), last)):
        name = f"model-{number:05}.safetensors"
        shard(folder / name, f"layer{number}", values)
        weights |= dict.fromkeys((f"layer{number}.hole", f"layer{number}.last"), name)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weights}))
    return folder


@pytest.mark.parametrize(("changed", "code"), [(0.0, 0), (1.0, 1)])
def test_what_lies_behind_four_gigabytes_is_seen_in_little_memory(tmp_path, changed, code):
    values = np.arange(8, dtype=np.float32)
    one = model(tmp_path / "one", values)
    other = model(tmp_path / "other", values + np.float32(changed) * (np.arange(8) == 5))
    command = [sys.executable, "-m", "auditor", "compare", str(one / "model.safetensors.index.json"), str(other)]
    done = subprocess.run([sys.executable, "-c", WATCHED, *command], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout
    peak, _, said = done.stdout.partition("\n")
    assert int(peak) < 256, "MiB, of gigabytes"
    assert ("1 diverged, 3 bitwise" if changed else "4 bitwise") in said
    assert ("[5]" in said) == bool(changed)
