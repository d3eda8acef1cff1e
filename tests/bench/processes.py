"""Whole processes: start-up, validation of many manifests, the gate of a small run, the recorder."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import yaml
from clock import BIN, ROOT, environment, goal, table, timed
from workbench import Repo, recorded, started
from workbench import environment as shell

from auditor import digest

RUNS = int(os.environ.get("BENCH_RUNS", "5"))
MANIFESTS = int(os.environ.get("BENCH_MANIFESTS", "1000"))
SCHEMA = ROOT / "schemas" / "run-manifest.v1.schema.json"
AUDITOR = str(BIN / "auditor")


def small_run(folder: Path) -> Repo:
    """The numpy network, recorded on a branch."""
    return recorded(started(folder / "network", shell(folder / "home") | {"PATH": os.environ["PATH"]}, "network"))


def starting(repo: Repo) -> str:
    """The table of start-up times."""
    ways = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "auditor --version": [AUDITOR, "--version"],
        "auditor check ONE": [AUDITOR, "check", repo.manifest],
    }
    seconds = {name: timed(way, 4 * RUNS, cwd=repo.root, env=_env(repo), fails=True) for name, way in ways.items()}
    bare = seconds["python -c pass"]
    limits = {"python -c pass": 1, "auditor --version": 5, "auditor check ONE": 12}
    rows = [
        [name, f"{1000 * value:.0f}", f"{value / bare:.1f}", goal(value <= limits[name] * bare, f"{limits[name]}:")]
        for name, value in seconds.items()
    ]
    rows[0][-1] = ""
    return table("Start-up", ["", "ms", "of python", "goal, at most"], rows)


def hashing(folder: Path) -> str:
    """The table of hashing rates."""
    paths = [folder / f"{number}.bin" for number in range(4)]
    content = os.urandom(1 << 26)
    for path in paths:
        path.write_bytes(content)
    size = len(content) * len(paths)

    def rate(threads: int) -> float:
        def once() -> float:
            start = time.perf_counter()
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(digest.of_file, paths))
            return time.perf_counter() - start

        return size / median(once() for _ in range(RUNS)) / 1e9

    def bare(threads: int) -> float:
        def once() -> float:
            start = time.perf_counter()
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(lambda _: hashlib.sha256(content).digest(), paths))
            return time.perf_counter() - start

        return size / median(once() for _ in range(RUNS)) / 1e9

    rows = []
    for threads in (1, 2):
        own, library = rate(threads), bare(threads)
        rows.append([f"{threads} at a time", f"{own:.2f}", f"{library:.2f}", f"{own / library:.2f}"])
        rows[-1].append(goal(own >= 0.9 * library, "0.9:"))
    for path in paths:
        path.unlink()
    return table("Hashing (GB/s)", ["", "digest.of_file", "hashlib in memory", "ratio", "goal, at least"], rows)


def validating(repo: Repo) -> str:
    """The table of whole processes over many manifests."""
    claims = repo.claims()
    claims["environment"]["packages"] = {f"package-{n:03}": f"{n}.{n % 7}.{n % 11}" for n in range(150)}
    rows = []
    for suffix, factor in (("json", 50), ("yaml", 15)):
        paths = []
        for number in range(MANIFESTS):
            one = copy.deepcopy(claims)
            one["run"]["id"] = f"run-{number:04}"
            text = json.dumps(one) if suffix == "json" else yaml.dump(one, Dumper=yaml.CSafeDumper, sort_keys=False)
            paths.append(repo.write(f"many/run-{number:04}.run.{suffix}", text).relative_to(repo.root).as_posix())
        own = timed([AUDITOR, "check", "--checklist", "schema", *paths], 3, cwd=repo.root, env=_env(repo), fails=True)
        peer = [str(BIN / "check-jsonschema"), "--schemafile", str(SCHEMA), *paths]
        other = timed(peer, 1, cwd=repo.root, env=_env(repo), fails=True)
        ratio = other / own
        rows.append([suffix, f"{own:.2f}", f"{other:.2f}", f"{ratio:.1f}", goal(ratio >= factor, f"{factor}:")])
    title = f"Validating {MANIFESTS} manifests of 150 packages, whole process (s)"
    return table(title, ["", "auditor check", "check-jsonschema", "ratio", "goal, at least"], rows)


def gating(repo: Repo) -> str:
    """The table of gate times."""
    merge = timed([AUDITOR, "gate", "merge", "--base", "main"], RUNS, cwd=repo.root, env=_env(repo), fails=True)
    check = timed([AUDITOR, "check", repo.manifest], RUNS, cwd=repo.root, env=_env(repo), fails=True)
    rows = [
        ["auditor gate merge, re-executions included", f"{merge:.2f}", goal(merge <= 1.0, "1.00:")],
        ["auditor check, digests alone", f"{check:.2f}", goal(check <= 0.25, "0.25:")],
    ]
    return table("The gate of a small run", ["", "s", "goal, at most"], rows)


def recording(repo: Repo) -> str:
    """The table of what the recorder adds."""
    rows = []
    for name, code in (("python -c pass", "pass"), ("5 s of arithmetic", _BUSY)):
        runs = RUNS if code == "pass" else 1
        bare = timed([sys.executable, "-c", code], runs, cwd=repo.root, env=_env(repo))
        wrapped = [AUDITOR, "record", "--name", "bench", "--allow-dirty", "--", sys.executable, "-c", code]
        own = timed(wrapped, runs, cwd=repo.root, env=_env(repo))
        limit = 1.03 * bare + 0.3
        rows.append([name, f"{bare:.2f}", f"{own:.2f}", f"{own - bare:+.2f}", goal(own <= limit, f"{limit:.2f}:")])
    return table("The recorder (s)", ["", "bare", "recorded", "added", "goal, at most"], rows)


_BUSY = "import time; end = time.process_time() + 5\nwhile time.process_time() < end: sum(range(1000))"


def _env(repo: Repo) -> dict[str, str]:
    return {name: value for name, value in (environment() | repo.env).items() if name != "PYTHONDONTWRITEBYTECODE"}
