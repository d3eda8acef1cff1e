"""Histories that were never lived: repositories of many commits and runs, made by git fast-import in a moment."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import yaml
from workbench import Repo

from auditor import digest

TRAIN = b"import json\nprint(json.dumps({'accuracy': 0.9}))\n"
START = 1_700_000_000


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def claims(number: int, *, packages: int = 20, commit: str | None = None, tree: str | None = None, **more: object) -> dict:
    """A manifest of the size that a recorder writes, whose run read ``train.py`` and a table of its own."""
    data, weights, effective = table(number), model(number), {"seed": number % 7, "epochs": 3}
    code = {"commit": commit, "tree": tree, "entrypoint": ["python", "train.py"]}
    value = {
        "schema": "auditor/run-manifest/v1",
        "run": {"id": f"run-{number:06}", "status": "succeeded", "started": "2024-01-01T00:00:00Z"},
        "code": {key: part for key, part in code.items() if part is not None},
        "environment": {
            "python": "3.11.9",
            "platform": "Linux",
            "executor": {"class": "x86-64-v3"},
            "packages": {f"package-{n:03}": f"1.{n}.{number % 3}" for n in range(packages)},
        },
        "configuration": {
            "files": [{"path": f"conf/{number % 7}.json", "digest": sha256(settings(number))}],
            "effective": effective,
            "digest": digest.of_value(effective),
        },
        "randomness": {"seeds": {"seed": {"value": number % 7, "at": "/seed"}}},
        "data": [{"name": "train", "role": "train", "path": f"data/{number % 7}.csv", "digest": sha256(data)}],
        "artifacts": [{"name": "model", "role": "weights", "path": f"out/{number:06}.bin", "digest": sha256(weights)}],
        "metrics": [{"name": "accuracy", "value": 0.5 + number / 10_000_000, "split": "test"}],
        "observed": {"method": "audit-hook", "reads": [{"path": "train.py", "digest": sha256(TRAIN)}]},
    }
    return value | more


def settings(number: int) -> bytes:
    return json.dumps({"seed": number % 7, "epochs": 3}).encode()


def table(number: int) -> bytes:
    return b"id,x,label\n" + b"".join(b"%d,%d,%d\n" % (row, row * (number % 7 + 1), row % 2) for row in range(20))


def model(number: int) -> bytes:
    return f"weights of run {number}\n".encode() * 4


def text_of(value: dict, form: str) -> bytes:
    if form == "json":
        return json.dumps(value, indent=1).encode()
    return yaml.dump(value, Dumper=yaml.CSafeDumper, sort_keys=False).encode()


def build(repo: Repo, runs: int, *, commits: int | None = None, packages: int = 20, artifacts: bool = True) -> Repo:
    """Fill an empty repository: the code, then ``runs`` runs of three shapes spread over ``commits`` commits.

    The shapes: YAML in full, JSON in full, and one imported from before the auditor, most of which is unavailable.
    """
    commits = commits or max(1, runs // 4)
    files = {f"data/{n}.csv": table(n) for n in range(7)} | {f"conf/{n}.json": settings(n) for n in range(7)}
    first = _import(repo, [(START, {"train.py": TRAIN, **files})], None)
    tree = repo.git("rev-parse", f"{first}^{{tree}}")
    batches: list[tuple[int, dict[str, bytes]]] = []
    share = -(-runs // commits)
    for number in range(commits):
        files = {f"notes/{number % 50}.txt": f"{number}\n".encode()}
        for run in (
            range(number * share, min(runs, (number + 1) * share)) if commits <= runs else _spread(number, runs, commits)
        ):
            files |= manifest(run, first, tree, packages, artifacts=artifacts)
        batches.append((START + 60 * (number + 1), files))
    _import(repo, batches, first)
    repo.git("reset", "--quiet", "--hard", "main")
    return repo


def _spread(number: int, runs: int, commits: int) -> range:
    step = commits // runs
    run = number // step
    return range(run, run + 1) if number % step == 0 and run < runs else range(0)


def manifest(run: int, commit: str, tree: str, packages: int = 20, *, artifacts: bool = True) -> dict[str, bytes]:
    """The files that one run adds."""
    value = claims(run, packages=packages, commit=commit, tree=tree)
    form = "json" if run % 3 == 1 else "yaml"
    if run % 3 == 2:
        value = {
            "schema": value["schema"],
            "run": value["run"],
            "code": value["code"],
            "metrics": value["metrics"],
            "unavailable": {"/data": "not recorded", "/environment": "not recorded", "/randomness": "not recorded"},
        }
    folder = f"runs/{run // 1000:03}"
    files = {f"{folder}/{run:06}.run.{form}": text_of(value, form)}
    if artifacts and run % 3 != 2:
        files[f"out/{run:06}.bin"] = model(run)
    return files


def _import(repo: Repo, batches: list[tuple[int, dict[str, bytes]]], parent: str | None) -> str:
    lines: list[bytes] = []
    for position, (at, files) in enumerate(batches):
        lines.append(b"commit refs/heads/main\nmark :%d\n" % (position + 1))
        who = b"The Author <author@example.org> %d +0000\n" % at
        lines += [b"author " + who, b"committer " + who, b"data 6\ncommit\n"]
        if position == 0 and parent is not None:
            lines.append(f"from {parent}\n".encode())
        for path, content in files.items():
            lines.append(f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n")
    stream = b"".join(lines)
    subprocess.run(
        ["git", "fast-import", "--quiet", "--force"], cwd=repo.root, env=repo.env, input=stream, check=True, timeout=600
    )
    return repo.git("rev-parse", "refs/heads/main")


def place(root: Path) -> Path:
    """Where the record of a repository lies."""
    return root / ".git" / "auditor"
