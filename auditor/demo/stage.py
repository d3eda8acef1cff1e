"""The stage that the story is played on: a real git repository with a real training project in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from auditor.errors import AuditorError, UsageError
from auditor.manifest.reader import read_file
from auditor.manifest.write import dump

_PROJECT = Path(__file__).with_name("project")
_TEST_ROWS = 359
_RECORD = (
    *("record", "--name", "digits", "--config", "conf/base.yaml"),
    *("--data", "train=data/train.csv", "--data", "test=data/test.csv"),
    *("--out", "out/model.npz", "--out", "out/predictions.csv", "--metrics", "out/metrics.json"),
    *("--", "python", "train.py"),
)


class StageError(AuditorError):
    """A step of the story that has to work did not; its own words follow."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A repository in ``root`` with the branch ``main`` and, for each act, one of its own."""

    root: Path

    @classmethod
    def build(cls, root: Path) -> Stage:
        """Lay out the project with data that ships with scikit-learn, and commit it on ``main``.

        Raises:
            UsageError: scikit-learn is not installed.
        """
        stage = cls(root)
        shutil.copytree(_PROJECT, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        _write_digits(root / "data")
        stage.git("init", "-q", "-b", "main")
        stage.auditor("init")
        stage.replace("auditor.yaml", "owners: []", "owners: [maintainers]")
        stage.commit("A project, its data, and the policy that judges it")
        return stage

    def git(self, *arguments: str) -> str:
        """Run git, which has to work."""
        return self._run("git", *arguments)

    def auditor(self, *arguments: str) -> str:
        """Run the auditor, which has to exit 0."""
        return self._run(sys.executable, "-m", "auditor", *arguments)

    def record(self) -> Path:
        """Record a run, and return the path of its manifest."""
        self.auditor(*_RECORD)
        return self.manifest()

    def manifest(self) -> Path:
        """The newest manifest."""
        return max((self.root / "runs").glob("*.run.yaml"), key=lambda path: path.stat().st_mtime_ns)

    def gate(self) -> tuple[int, dict[str, object]]:
        """Exit code and report of the merge gate on the current branch."""
        done = self._start(sys.executable, "-m", "auditor", "gate", "merge", "--base", "main", "--format", "json")
        try:
            report = json.loads(done.stdout)
        except ValueError:
            raise StageError(f"the gate printed no report:\n{done.stderr}") from None
        return done.returncode, report

    def gate_shown(self) -> tuple[int, str]:
        """Exit code of the merge gate, and its report for people."""
        done = self._start(sys.executable, "-m", "auditor", "gate", "merge", "--base", "main")
        return done.returncode, done.stdout

    def branch(self, name: str, start: str = "main") -> None:
        """Begin a branch."""
        self.git("checkout", "-q", "-b", name, start)

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "-q", "-m", message)

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace text that has to be in a file."""
        text = (self.root / path).read_text(encoding="utf-8")
        if old not in text:
            raise StageError(f"{path} does not hold {old!r}")
        (self.root / path).write_text(text.replace(old, new), encoding="utf-8")

    def edit(self, change: Mapping[str, object], manifest: Path) -> None:
        """Set values in a manifest by JSON Pointer."""
        value = read_file(manifest).value
        for pointer, new in change.items():
            *parents, last = pointer.strip("/").split("/")
            at = value
            for key in parents:
                at = at[int(key)] if isinstance(at, list) else at[key]
            at[int(last) if isinstance(at, list) else last] = new
        manifest.write_text(dump(value), encoding="utf-8")

    def _run(self, *command: str) -> str:
        done = self._start(*command)
        if done.returncode:
            raise StageError(f"`{' '.join(command[:4])} ...` ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _start(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.root,
            env=_environment(),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            check=False,
        )


def _environment() -> dict[str, str]:
    """The caller's environment, with this interpreter as ``python`` and a committer that needs no configuration."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "GITHUB_", "AUDITOR_"))}
    identity = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _IDENTITY.items()}
    return kept | identity | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}"}


_IDENTITY = {"NAME": "auditor demo", "EMAIL": "demo@example.org"}


def _write_digits(folder: Path) -> None:
    try:
        import numpy as np  # noqa: PLC0415  (only the demo needs them)
        from sklearn.datasets import load_digits  # noqa: PLC0415
    except ImportError:
        raise UsageError("the demo trains with scikit-learn", hint="pip install 'ml-run-auditor[demo]'") from None
    digits = load_digits()
    columns = ["id", *(f"pixel_{i}" for i in range(digits.data.shape[1])), "label"]
    rows = np.column_stack([np.arange(len(digits.data)), digits.data, digits.target]).astype(int)
    rows = np.random.default_rng(0).permutation(rows)
    folder.mkdir()
    for name, part in (("train", rows[_TEST_ROWS:]), ("test", rows[:_TEST_ROWS])):
        np.savetxt(folder / f"{name}.csv", part, fmt="%d", delimiter=",", header=",".join(columns), comments="")
