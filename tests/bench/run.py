"""Prints this project's times beside its peers': ``python tests/bench/run.py [TABLE...]``, all tables by default.

Ratios within one table are what to look at: whatever else the machine does slows both sides. ``BENCH_MB`` (1024),
``BENCH_RUNS`` (5), ``BENCH_MANIFESTS`` and ``BENCH_SEGMENTS`` (1000) make it shorter; ``TMPDIR`` says where the files
go, 3 x ``BENCH_MB``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))
sys.path.append(str(Path(__file__).resolve().parent.parent))

import action
import deploying
import histories
import ledgers
import measuring
import processes
import reproducing
import tensors

TABLES = {
    "start": lambda room: processes.starting(processes.small_run(room)),
    "deploy": deploying.deploying,
    "compare": tensors.comparing,
    "hash": processes.hashing,
    "validate": lambda room: processes.validating(processes.small_run(room)),
    "gate": lambda room: processes.gating(processes.small_run(room)),
    "action": action.acting,
    "history": histories.auditing,
    "ledger": ledgers.keeping,
    "measure": measuring.measuring,
    "reproduce": reproducing.reproducing,
    "record": lambda room: processes.recording(processes.small_run(room)),
}


def main() -> int:
    chosen = sys.argv[1:] or list(TABLES)
    unknown = [name for name in chosen if name not in TABLES]
    if unknown:
        print(f"no such table: {', '.join(unknown)}; there are {', '.join(TABLES)}", file=sys.stderr)  # noqa: T201
        return 2
    for name in chosen:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            print(TABLES[name](Path(folder)), flush=True)  # noqa: T201 - the tables are the product
            print()  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
