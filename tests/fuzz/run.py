"""Fuzzes every reader, one after the other: ``python tests/fuzz/run.py --seconds 600 [FORMAT...]``; 1 if any target fell."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TARGET = Path(__file__).with_name("fuzz_readers.py")
FORMATS = (
    "npy", "npz", "safetensors", "torch", "pickle", "onnx", "hdf5", "keras", "gguf", "sharded", "parquet", "arrow",
    "xgboost-json", "xgboost-ubjson", "lightgbm-text", "lightgbm-json",
    "table-csv", "table-tsv", "table-jsonl", "table-parquet", "table-npz", "trace", "figures", "bands",
)  # fmt: skip
# Loading the libraries and one last slow file, also on a machine with other work.
_GRACE = 600


def main() -> int:
    """Run the targets; how many inputs each was given, and what it fell over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="per reader")
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help=f"of {', '.join(FORMATS)}; all by default")
    arguments = parser.parse_args()
    unknown = set(arguments.formats) - set(FORMATS)
    if unknown:
        parser.error(f"no such format: {', '.join(sorted(unknown))}")
    artifacts = tempfile.mkdtemp(prefix="fuzz-artifacts-")
    fallen = [name for name in arguments.formats or FORMATS if not _holds(name, arguments.seconds, artifacts)]
    if fallen:
        sys.stdout.write(f"fell: {', '.join(fallen)}; the files are in {artifacts}\n")
        return 1
    Path(artifacts).rmdir()
    return 0


def _holds(name: str, seconds: int, artifacts: str) -> bool:
    command = [sys.executable, str(TARGET), name, str(seconds), artifacts]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds + _GRACE, check=False, errors="replace"
        )
    except subprocess.TimeoutExpired:
        sys.stdout.write(f"{name:15} did not end\n")
        return False
    runs = re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)
    slowest = re.search(r"slowest_unit_time_sec:\s*(\d+)", done.stderr)
    if done.returncode == 0 and runs is not None and int(runs[1]) > 0:
        sys.stdout.write(f"{name:15} {int(runs[1]):>10,} files, the slowest {slowest[1] if slowest else '?'} s\n")
        sys.stdout.flush()
        return True
    said = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if not line.startswith(("INFO", "WARNING"))]
    sys.stdout.write(f"{name:15} fell, exit {done.returncode}\n" + "\n".join(said[-60:]) + "\n")
    return False


if __name__ == "__main__":
    sys.exit(main())
