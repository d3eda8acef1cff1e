"""Times commands and shows tables."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def timed(command: Sequence[str], runs: int, *, cwd: Path, env: dict[str, str], fails: bool = False) -> float:
    """The median seconds of several runs of a command, after one that does not count.

    Args:
        command: an argument list.
        runs: how many count.
        cwd: where.
        env: with what.
        fails: whether an exit code other than 0 is an answer, too.
    """
    seconds = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, stdin=subprocess.DEVNULL, check=False)
        seconds.append(time.perf_counter() - start)
        if done.returncode and not (fails and done.returncode in {1, 4}):
            raise RuntimeError(f"{command}: exit {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}")
    return median(seconds[1:])


def peak(command: Sequence[str], *, env: dict[str, str]) -> float:
    """The most MiB that a command and its children ever held together, mapped pages included, shared pages once."""
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    most = [0.0]

    def watch() -> None:
        while process.poll() is None:
            most[0] = max(most[0], sum(_held(pid) for pid in _family(process.pid)))
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    if process.wait():
        raise RuntimeError(f"{command}: exit {process.returncode}")
    watcher.join()
    return most[0]


def _family(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [pid, *(member for child in text.split() for member in _family(int(child)))]


def _held(pid: int) -> float:
    """Proportional set size in MiB; 0 for a process that has just ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in plain text, the first column to the left and the others to the right."""
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    lines = [title]
    for row in (heads, *rows):
        cells = [f"{cell:<{width}}" if not n else f"{cell:>{width}}" for n, (cell, width) in enumerate(zip(row, widths))]  # noqa: B905
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)


def goal(is_met: bool, words: str) -> str:  # noqa: FBT001 - reads well where it is called
    """A goal beside its figure."""
    return f"{words} {'met' if is_met else 'MISSED'}"


def environment() -> dict[str, str]:
    """What this process has, but for byte code: start-up without it would be that of no user."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
