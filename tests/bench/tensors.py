"""Comparing two files of 200 tensors, beside numpy, torch and a plain read of the same bytes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median

import ml_dtypes
import numpy as np
from clock import environment, goal, peak, table
from peer import WAYS
from safetensors.numpy import save_file

MEGABYTES = int(os.environ.get("BENCH_MB", "1024"))
RUNS = int(os.environ.get("BENCH_RUNS", "5"))
TENSORS = 200
PEER = Path(__file__).with_name("peer.py")
DTYPES = {"float32": ("f4", 1e-7), "bfloat16": (ml_dtypes.bfloat16, 2e-3), "float16": ("f2", 2e-4), "float64": ("f8", 1e-12)}
PEERS = [way for way in WAYS if way.startswith(("numpy", "torch"))]


def made(folder: Path, dtype: str) -> tuple[Path, Path]:
    """Two files whose tensors differ by rounding noise in every element."""
    kind, size = DTYPES[dtype]
    count = MEGABYTES * 1_000_000 // TENSORS // np.dtype(kind).itemsize
    rng = np.random.default_rng(0)
    values, noise = rng.normal(0, 0.02, count), rng.normal(0, size, count)
    expected, actual = {}, {}
    for number in range(TENSORS):
        rolled = np.roll(values, 997 * number).astype(kind)
        expected[f"layer.{number:03}"] = rolled
        actual[f"layer.{number:03}"] = (rolled.astype("f8") * (1 + np.roll(noise, 31 * number))).astype(kind)
    paths = folder / f"{dtype}-a.safetensors", folder / f"{dtype}-b.safetensors"
    for path, tensors in zip(paths, (expected, actual), strict=True):
        save_file(tensors, path)
    return paths


def rate(way: str, paths: tuple[Path, Path], **extra: str) -> float:
    """GB/s of both files, the median of runs in one process after a run that does not count."""
    command = [sys.executable, str(PEER), way, *map(str, paths), str(RUNS + 1)]
    done = subprocess.run(command, env=environment() | extra, capture_output=True, check=True)
    return sum(path.stat().st_size for path in paths) / median(json.loads(done.stdout)[1:]) / 1e9


def memory(way: str, paths: tuple[Path, Path]) -> float:
    """MiB above the bare interpreter, in a run of its own."""
    bare = peak([sys.executable, "-c", "import time; time.sleep(0.3)"], env=environment())
    return peak([sys.executable, str(PEER), way, *map(str, paths), "1"], env=environment()) - bare


def comparing(folder: Path) -> str:
    """Both tables."""
    paths = made(folder, "float32")
    rates = {way: rate(way, paths) for way in WAYS}
    twin = Path(shutil.copy(paths[0], folder / "twin.safetensors"))
    same = rate("auditor", (paths[0], twin)), rate("plain read", (paths[0], twin))
    twin.unlink()
    own, plain, best = rates["auditor"], rates["plain read"], max(rates[way] for way in PEERS)
    held = {way: memory(way, paths) for way in WAYS}
    rows = [[way, f"{rates[way]:.2f}", f"{rates[way] / plain:.2f}", f"{held[way]:.0f}", ""] for way in WAYS]
    rows += [["auditor, identical files", f"{same[0]:.2f}", f"{same[0] / same[1]:.2f}", "", ""]]
    goals = {
        "plain read": "",
        "auditor": f"{goal(own >= 0.5 * plain, '0.5 of a plain read:')}, {goal(held['auditor'] <= 96, '96 MiB:')}",
        "auditor, identical files": goal(same[0] >= 0.7 * same[1], "0.7 of a plain read:"),
    }
    for row in rows:
        row[-1] = goals.get(row[0], "")
    rows.append(["  auditor / fastest peer", f"{own / best:.1f}", "", "", goal(own >= 5 * best, "5:")])
    title = f"Comparing 2 x {TENSORS} float32 tensors, {MEGABYTES} MB a file, noise in every element"
    first = table(title, ["", "GB/s", "of plain read", "MiB above python", "goal"], rows)
    return f"{first}\n\n{_dtypes(folder, paths, own)}"


def _dtypes(folder: Path, paths: tuple[Path, Path], single: float) -> str:
    rows = [["float32", f"{single:.2f}", "1.00", ""]]
    for path in paths:
        path.unlink()
    for dtype in ("bfloat16", "float16", "float64"):
        paths = made(folder, dtype)
        own = rate("auditor", paths, BENCH_RELATIVE="1.6e-2") if dtype != "float64" else rate("auditor", paths)
        rows.append([dtype, f"{own:.2f}", f"{own / single:.2f}", goal(own >= 0.5 * single, "0.5 of float32:")])
        for path in paths:
            path.unlink()
    return table("The same bytes in other dtypes", ["auditor", "GB/s", "of float32", "goal"], rows)
