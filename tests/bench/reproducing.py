"""What re-execution costs beside the bare command, an environment from a lock, and the workspace of a large repository."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from clock import goal, table
from uv import find_uv_bin

from auditor.git import Repository
from auditor.model.words import Isolation
from auditor.reproduce.environment.base import find_base
from auditor.reproduce.environment.installer import find_installer
from auditor.reproduce.environment.lock import read_pins
from auditor.reproduce.environment.rebuild import Recipe, rebuild
from auditor.reproduce.sandbox import Job, find, house, trial
from auditor.reproduce.workspace import Workspace

RUNS = int(os.environ.get("BENCH_RUNS", "5"))
FILES = 2000
WORK = (
    "import numpy as np\nx = np.random.default_rng(0).normal(size=(900, 900))\n"
    "for _ in range(12): x = np.tanh(x @ x.T / 900)\n"
)


def reproducing(folder: Path) -> str:
    """The table of re-execution."""
    rows = [*_sandboxes(folder / "sandbox"), *_environment(folder / "environment"), *_workspace(folder / "workspace")]
    return table("Re-execution", ["", "s", "bare", "goal, at most"], rows)


def _sandboxes(folder: Path) -> list[list[str]]:
    def bare() -> None:
        subprocess.run([sys.executable, "-c", WORK], check=True, capture_output=True)

    alone = _median(bare)
    rows = []
    for isolation in (Isolation.BWRAP, Isolation.CONTAINER):
        sandbox = trial(isolation).sandbox
        if sandbox is None:
            rows.append([f"a command in {isolation}", "not here", f"{alone:.2f}", ""])
            continue
        job = _job(folder / isolation, (sys.executable, "-c", WORK))
        took = _median(lambda job=job, sandbox=sandbox: _succeed(sandbox.run(job)))
        limit = 1.05 * alone + 0.5
        rows.append([f"a command in {isolation}", f"{took:.2f}", f"{alone:.2f}", goal(took <= limit, f"{limit:.2f}:")])
    return rows


def _job(folder: Path, argv: tuple[str, ...]) -> Job:
    interpreter = find([sys.executable], folder)
    work, home, scratch = folder / "work", folder / "home", folder / "scratch"
    for part in (work, home, scratch):
        part.mkdir(parents=True)
    return Job(
        argv=argv,
        interpreter=interpreter,
        base=folder,
        work=work,
        home=home,
        scratch=scratch,
        folders=interpreter.folders(folder),
        variables=house.variables(interpreter, home=home, scratch=scratch),
    )


def _succeed(execution: object) -> None:
    if not getattr(execution, "succeeded", False):
        raise RuntimeError(str(execution))


def _environment(folder: Path) -> list[list[str]]:
    """numpy and scikit-learn from PyPI, first built and then found again; left out where there is no network."""
    folder.mkdir()
    wanted = folder / "requirements.in"
    wanted.write_text("numpy==2.4.6\nscikit-learn==1.9.1\n")
    compiled = subprocess.run(
        [find_uv_bin(), "pip", "compile", "--quiet", "--no-config", "--generate-hashes", str(wanted)],
        capture_output=True,
        check=False,
        env=os.environ | {"UV_SYSTEM_CERTS": "true"},
    )
    sandbox = trial(Isolation.BWRAP).sandbox
    if compiled.returncode or sandbox is None:
        return [["an environment from a lock", "not here", "", ""]]
    base = find_base(None, Path(sys.executable))
    pins = read_pins(compiled.stdout, "requirements", machine=base.machine)
    recipe = Recipe(pins=pins, base=base, installer=find_installer(), index=None, build=False)

    def build() -> None:
        rebuild(recipe, folder / "kept", sandbox, timeout=600)

    started = time.perf_counter()
    build()
    cold = time.perf_counter() - started
    warm = _median(build)
    return [
        ["numpy and scikit-learn from a lock, first", f"{cold:.2f}", "", ""],
        ["numpy and scikit-learn from a lock, again", f"{warm:.2f}", "", goal(warm <= 2, "2:")],
    ]


def _workspace(folder: Path) -> list[list[str]]:
    folder.mkdir()

    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=B", "-c", "user.email=b@example.org", *words], cwd=folder, check=True)

    for number in range(FILES):
        place = folder / f"package-{number % 40}" / f"module_{number}.py"
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"VALUE = {number}\n" * 40)
    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "Begin")
    with Repository(folder) as repository:
        commit = str(repository.commit("HEAD"))

        def lay_out() -> None:
            with Workspace(repository, commit):
                pass

        took = _median(lay_out)

    def clone() -> None:
        subprocess.run(["git", "clone", "-q", "--no-local", str(folder), str(folder / "clone")], check=True)
        subprocess.run(["rm", "-rf", str(folder / "clone")], check=True)

    return [[f"a workspace of {FILES:,} files (bare: git clone)", f"{took:.2f}", f"{_median(clone):.2f}", ""]]


def _median(once: Callable[[], None]) -> float:
    seconds = []
    for _ in range(RUNS + 1):
        started = time.perf_counter()
        once()
        seconds.append(time.perf_counter() - started)
    return median(seconds[1:])
