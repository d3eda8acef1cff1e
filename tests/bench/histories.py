"""Auditing the past: whole processes over generated histories, beside parsing the same files and asking git."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from clock import BIN, ROOT, environment, goal, table
from workbench import Repo
from workbench import environment as shell

sys.path.append(str(ROOT / "tests" / "history"))

SIZES = [int(size) for size in os.environ.get("BENCH_HISTORY", "1000,10000").split(",")]
"""Manifests of each history; 100000 takes most of an hour, 1000000 a day."""

PACKAGES = 150
_PARSE = """
import sys, pathlib, yaml, json
for path in sorted(pathlib.Path('runs').rglob('*.run.*')):
    with path.open('rb') as stream:
        json.load(stream) if path.suffix == '.json' else yaml.load(stream, yaml.CSafeLoader)
"""


def auditing(folder: Path) -> str:
    """The table of audits of generated histories."""
    from past import build, manifest  # noqa: PLC0415  (beside the tests of history)

    rows, before = [], 0.0
    for size in SIZES:
        repo = Repo(folder / f"r{size}", shell(folder / "home") | {"PATH": os.environ["PATH"]}).init()
        build(repo, size, packages=PACKAGES)
        command = [str(BIN / "auditor"), "history", "audit"]
        full, memory = _measured(command, repo)
        first = repo.git("rev-list", "--max-parents=0", "HEAD")
        tree = repo.git("rev-parse", f"{first}^{{tree}}")
        for number in range(size, size + max(1, size // 1000)):
            for path, content in manifest(number, first, tree, PACKAGES).items():
                repo.write(path, content)
        repo.commit()
        again, _ = _measured(command, repo)
        idle, _ = _measured(command, repo)
        status, _ = _measured(["git", "status", "--porcelain"], repo)
        parse, _ = _measured([sys.executable, "-c", _PARSE], repo)
        peer = _peer(repo, size)
        grown = f"{full / before:.1f}" if before else ""
        near, grows = 3 * status + 0.5, goal(full <= 10.5 * before, "10.5:") if before else ""
        beside = f"{full / parse:.1f} x parsing ({parse:.1f} s)"
        rows += [
            [f"{size}: full audit", f"{full:.1f} s", beside, goal(full <= 3 * parse, "3:")],
            ["  runs/s, growth since the last size", f"{size / full:.0f}", grown, grows],
            ["  peak memory of a process", f"{memory} MiB", "", ""],
            ["  0.1 % changed", f"{again:.2f} s", f"git status {status:.2f} s", goal(again <= near, f"{near:.2f}:")],
            ["  nothing changed", f"{idle:.2f} s", f"{full / idle:.0f} times faster", goal(idle <= full / 10, "10:")],
            ["  check-jsonschema on the same files", f"{peer:.1f} s", f"{peer / full:.1f} x the full audit", ""],
        ]
        before = full
    return table("Auditing the past (whole processes)", ["", "measured", "beside", "goal"], rows)


def _peer(repo: Repo, size: int) -> float:
    """What validation alone takes, of at most 1,000 files, for all."""
    paths = sorted(str(path) for path in (repo.root / "runs").rglob("*.run.*"))[:1000]
    schema = ROOT / "schemas" / "run-manifest.v1.schema.json"
    seconds, _ = _measured([str(BIN / "check-jsonschema"), "--schemafile", str(schema), *paths], repo)
    return seconds * size / len(paths)


def _measured(command: list[str], repo: Repo) -> tuple[float, int]:
    """Wall time in seconds, and the largest resident memory of any process of it in MiB."""
    env = environment() | repo.env
    start = time.perf_counter()
    done = subprocess.run(
        ["/usr/bin/env", "python3", "-c", _WRAP, *command],
        cwd=repo.root,
        env=env,
        capture_output=True,
        check=False,
        text=True,
    )
    seconds = time.perf_counter() - start
    match = re.search(r"rss=(\d+)", done.stderr)
    return seconds, int(match[1]) // 1024 if match else 0


_WRAP = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(f"rss={resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss}", file=sys.stderr)
sys.exit(code)
"""
