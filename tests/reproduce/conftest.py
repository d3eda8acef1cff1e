from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from auditor import digest
from auditor.environment import capture
from auditor.git import Repository
from auditor.model.run import (
    Artifact,
    Code,
    Configuration,
    DataSource,
    FileRef,
    Metric,
    MetricColumns,
    MetricSource,
    Origin,
    Randomness,
    Reproduction,
    Run,
    RunInfo,
    Seed,
)
from auditor.model.words import Isolation
from auditor.reproduce.reproduce import Reproduced, Request, reproduce
from auditor.reproduce.sandbox import Job, find, house, pick, preflight

ROLES = {".npz": "weights", ".joblib": "weights", ".csv": "predictions", ".json": "metrics"}

HEAD = """
import csv, json, os
import numpy as np
os.makedirs("out", exist_ok=True)
config = json.load(open("conf.json"))
rows = list(csv.reader(open("data/train.csv")))[1:]
X = np.array([[float(v) for v in r[:-1]] for r in rows]); y = np.array([int(r[-1]) for r in rows])
test = list(csv.reader(open("data/test.csv")))[1:]
Xt = np.array([[float(v) for v in r[:-1]] for r in test]); yt = np.array([int(r[-1]) for r in test])
def save(p, **weights):
    hard = (p > 0.5).astype(int)
    with open("out/predictions.csv", "w") as f:
        f.write("id,prediction,probability\\n")
        for i, (h, v) in enumerate(zip(hard, p)): f.write(f"{i},{h},{float(v)!r}\\n")
    np.savez("out/weights.npz", **weights)
    json.dump({"accuracy": float((hard == yt).mean()), "loss": float(np.mean((p - yt) ** 2))}, open("out/metrics.json", "w"))
"""

LIVE = """
rng = np.random.default_rng(config["seed"])
w = rng.normal(size=X.shape[1])
for i in rng.permutation(len(X)):
    p = 1 / (1 + np.exp(-X[i] @ w)); w -= 0.1 * (p - y[i]) * X[i]
save(1 / (1 + np.exp(-Xt @ w)), w=w)
"""


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


@dataclass
class Project:
    """A small repository with a training script, and its run as a recorder would have written it down."""

    HEAD = HEAD
    LIVE = HEAD + LIVE

    root: Path
    command: tuple[str, ...] = (sys.executable, "train.py")
    outputs: tuple[str, ...] = ("out/weights.npz", "out/predictions.csv", "out/metrics.json")
    isolation: tuple[Isolation, ...] = (Isolation.BWRAP,)
    options: dict = field(default_factory=dict)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))

    def commit(self) -> str:
        _git(self.root, "add", "-A")
        _git(self.root, "commit", "-q", "--allow-empty", "-m", "work")
        return _git(self.root, "rev-parse", "HEAD").strip()

    def record(self, script: str | None = None) -> Run:
        if script is not None:
            self.write("train.py", script)
        commit = self.commit()
        subprocess.run(self.command, cwd=self.root, check=True, capture_output=True)
        made = [name for name in self.outputs if (self.root / name).exists()]
        artifacts = [
            Artifact(name=Path(n).stem, path=n, role=ROLES.get(Path(n).suffix, "other"), digest=self.digest(n)) for n in made
        ]
        figures = json.loads((self.root / "out/metrics.json").read_text()) if "out/metrics.json" in made else {}
        source = MetricSource(
            predictions="out/predictions.csv",
            labels="data/test.csv",
            columns=MetricColumns(label="y", prediction="prediction"),
        )
        config = json.loads((self.root / "conf.json").read_text())
        python = capture(self.command[0] if "python" in self.command[0] else None, {"PATH": os.environ["PATH"]})
        return Run(
            schema="auditor/run-manifest/v1",
            run=RunInfo(id="r", status="succeeded"),
            code=Code(commit=commit, entrypoint=self.command),
            environment=python,
            configuration=Configuration(
                files=(FileRef(path="conf.json"),), effective=config, origins={"/seed": Origin(source="file")}
            ),
            randomness=Randomness(seeds={"seed": Seed(value=config["seed"], at="/seed")}),
            data=tuple(
                DataSource(name=n, role=n, path=f"data/{n}.csv", digest=self.digest(f"data/{n}.csv"))
                for n in ("train", "test")
            ),
            artifacts=tuple(artifacts),
            metrics=tuple(
                Metric(name=n, value=v, from_=source if n == "accuracy" and "out/predictions.csv" in made else None)
                for n, v in figures.items()
            ),
            reproductions=(Reproduction(name="smoke", command=self.command, timeout=60.0),),
        )

    def digest(self, name: str) -> str:
        return digest.of_file(self.root / name)[0]

    def fetch(self, claim) -> Path | None:
        place = self.root / claim.path
        return place if place.is_file() and self.digest(claim.path) == claim.digest else None

    def reproduce(self, run: Run, **options) -> Reproduced:
        with Repository.discover(self.root) as repository:
            request = Request(
                run=run,
                repository=repository,
                commit=run.code.commit,
                isolation=self.isolation,
                fetch=self.fetch,
                **{"liveness": False, **self.options, **options},
            )
            return reproduce(request)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    assert preflight(Isolation.BWRAP) is None
    root = tmp_path / "project"
    root.mkdir()
    _git(root, "init", "-q", "-b", "main")
    _git(root, "config", "user.name", "T")
    _git(root, "config", "user.email", "t@example.org")
    made = Project(root=root)
    rows = [f"{(i * 37 % 101) / 50 - 1:.2f},{(i * 53 % 97) / 48 - 1:.2f}" for i in range(90)]
    labels = [
        int(float(a) + 0.5 * float(b) + 0.3 * ((i * 7) % 5 - 2) > 0) for i, r in enumerate(rows) for a, b in [r.split(",")]
    ]
    lines = [f"{row},{label}" for row, label in zip(rows, labels, strict=True)]
    made.write("data/train.csv", "\n".join(["a,b,y", *lines[:60]]) + "\n")
    made.write("data/test.csv", "\n".join(["a,b,y", *lines[60:]]) + "\n")
    made.write("conf.json", '{"seed": 7}\n')
    made.write(".gitignore", "out/\n")
    made.write("train.py", HEAD + LIVE)
    return made


@pytest.fixture
def unisolated(project: Project) -> Project:
    return replace(project, isolation=(Isolation.NONE,))


@pytest.fixture
def world(tmp_path):
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    assert preflight(Isolation.BWRAP) is None
    return World(tmp_path)


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sandbox = pick([Isolation.BWRAP], allow_none=False).sandbox
        self.interpreter = find([sys.executable], folder)

    def job(self, code: str, *arguments: str, **fields) -> Job:
        base = self.folder / f"base-{len(list(self.folder.iterdir()))}"
        work, home, scratch = base / "work", base / "home", base / "scratch"
        for folder in (work, home, scratch):
            folder.mkdir(parents=True)
        (work / "input.csv").write_text("x\n1\n")
        fields.setdefault("sealed", (work / "input.csv",))
        return Job(
            argv=(str(self.interpreter.path), "-c", code, *arguments),
            interpreter=self.interpreter,
            base=base,
            work=work,
            home=home,
            scratch=scratch,
            folders=self.interpreter.folders(self.folder),
            variables=house.variables(self.interpreter, home=home, scratch=scratch),
            **fields,
        )

    def run(self, code: str, *arguments: str, **fields):
        return self.sandbox.run(self.job(code, *arguments, **fields))
