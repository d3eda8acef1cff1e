"""The action: what a step costs where nothing changed, and what installing it costs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from clock import ROOT, environment, goal, table

RUNS = int(os.environ.get("BENCH_RUNS", "5"))
MANIFESTS = 10_000


def acting(folder: Path) -> str:
    """The table of what the action adds to a job."""
    repository = _crowded(folder / "crowded")
    step = median(_step(repository, folder / "runner") for _ in range(RUNS))
    cold, warm = (_installed(folder / "room", folder / "cache") for _ in range(2))
    rows = [
        [f"a step for a change of nothing among {MANIFESTS} manifests", f"{step:.2f}", goal(step <= 2.0, "2.00:")],
        ["installing, nothing cached", f"{cold:.1f}", ""],
        ["installing, wheels cached", f"{warm:.1f}", ""],
    ]
    return table("The action", ["", "s", "goal, at most"], rows)


def _crowded(root: Path) -> Path:
    """A repository of many manifests, and a branch that touches none of them."""

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=The Author", "-c", "user.email=author@example.org")
        subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True)

    root.mkdir()
    git("init", "-q", "-b", "main")
    git("config", "gc.auto", "0")
    for number in range(MANIFESTS):
        path = root / "runs" / f"{number // 100:03}" / f"{number:05}.run.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"schema": "auditor/run-manifest/v1", "run": {"id": str(number)}, "x": "x" * 4000}))
    (root / "auditor.yaml").write_text("schema: auditor/policy/v1\n")
    git("add", "-A")
    git("commit", "-qm", "Many runs")
    git("checkout", "-qb", "work")
    (root / "notes.txt").write_text("nothing that anybody judges")
    git("add", "-A")
    git("commit", "-qm", "A note")
    return root


def _step(repository: Path, room: Path) -> float:
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir()

    def sha(ref: str) -> str:
        done = subprocess.run(["git", "rev-parse", ref], cwd=repository, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    sides = {side: {"sha": sha(ref), "ref": ref} for side, ref in (("head", "work"), ("base", "main"))}
    (room / "event.json").write_text(json.dumps({"pull_request": {"number": 1} | sides}))
    env = environment() | {"GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_REPOSITORY": "octo/widget"}
    env |= {"GITHUB_EVENT_PATH": str(room / "event.json"), "RUNNER_TEMP": str(room)}
    env |= {name: str(room / name.lower()) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    start = time.perf_counter()
    command = [sys.executable, "-I", "-m", "auditor", "github", "step"]
    subprocess.run(command, cwd=repository, env=env, check=True, capture_output=True)
    return time.perf_counter() - start


def _installed(room: Path, cache: Path) -> float:
    """Seconds that the action's own two commands take."""
    shutil.rmtree(room, ignore_errors=True)
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "venv", room], check=True)
    pip = [room / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    pins = ["--only-binary", ":all:", "--require-hashes", "--requirement", ROOT / "requirements.lock"]
    subprocess.run([*pip, "--cache-dir", cache, *pins], check=True, capture_output=True)
    return time.perf_counter() - start
