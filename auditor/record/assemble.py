"""Puts the parts of a manifest together and writes it where no other manifest stands."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from auditor import digest
from auditor.errors import UsageError
from auditor.manifest.write import dump, write
from auditor.model.run import FileRef, Json, Run
from auditor.record.request import Request, checked_text, inside

SUFFIXES: Final = (".run.yaml", ".run.json")


def stem(request: Request, started: datetime) -> str:
    """The run's id by the clock and its name: ``20250301-093000-train``."""
    name = request.name or _script(request.command)
    return f"{started.astimezone(UTC):%Y%m%d-%H%M%S}-{re.sub(r'[^A-Za-z0-9._-]+', '-', name).strip('-.')[:100] or 'run'}"


def place(request: Request, root: Path, started: datetime) -> tuple[str, str]:
    """The run's id and the path of its manifest, relative to the root: one that is not taken.

    Raises:
        UsageError: the manifest that was asked for exists, or has no manifest's name.
    """
    if request.manifest is not None:
        path = inside(request.manifest, root, "--manifest")
        if not path.endswith(SUFFIXES):
            raise UsageError(f"--manifest {path}: a manifest is called {' or '.join('*' + s for s in SUFFIXES)}")
        if (root / path).exists():
            raise UsageError(f"{path} exists: a run is superseded, never edited", hint="choose another --manifest")
        return PurePosixPath(path).name.rpartition(".run.")[0] or "run", path
    wanted = stem(request, started)
    names = (wanted if count == 1 else f"{wanted}-{count}" for count in range(1, 10_000))
    run_id = next(name for name in names if not _is_taken(root, name))
    return run_id, f"runs/{run_id}.run.yaml"


def store(value: dict[str, Json], path: Path) -> None:
    """Writes the manifest in one step: either whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n" if path.suffix == ".json" else dump(value))


def store_patch(content: bytes, run_id: str, folder: Path, root: Path) -> FileRef:
    """Writes the patch beside the manifest."""
    path = folder / f"{run_id}.patch"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return FileRef(path=path.relative_to(root).as_posix(), digest=digest.of_bytes(content))


def to_value(run: Run) -> dict[str, Json]:
    """The manifest as JSON. What a default would leave out but a reader looks for is written out."""
    value: dict[str, Json] = msgspec.json.decode(msgspec.json.encode(run), type=dict)
    code, reproductions = value.get("code"), value.get("reproductions")
    if isinstance(code, dict):
        code.setdefault("dirty", False)
    for item in reproductions if isinstance(reproductions, list) else []:
        for key, default in (("tier", "smoke"), ("scale", {})):
            item.setdefault(key, default)
    observed = value.get("observed")
    if isinstance(observed, dict):
        observed.setdefault("method", "none")
    for name in ("data", "artifacts"):
        items = value.get(name, [])
        for item in items if isinstance(items, list) else []:
            item.setdefault("role", "other")
    return value


def moment(when: datetime) -> str:
    """A time as manifests write it: UTC, to the millisecond."""
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z"


def check_command(command: tuple[str, ...]) -> None:
    """Refuses a command line that no manifest can repeat.

    Raises:
        UsageError: it is empty, or a word of it is not UTF-8.
    """
    if not command or not command[0]:
        raise UsageError("there is no command to record", hint="auditor record [OPTIONS] -- python train.py")
    for word in command:
        checked_text(word, "COMMAND:")


def _script(command: tuple[str, ...]) -> str:
    """What a person would call the run: the script's stem, the module behind -m, else the program."""
    for index, word in enumerate(command[1:], start=1):
        if word == "-m" and index + 1 < len(command):
            return command[index + 1]
        if not word.startswith("-"):
            return PurePosixPath(word).stem
    return PurePosixPath(command[0]).stem


def _is_taken(root: Path, name: str) -> bool:
    return any((root / "runs" / f"{name}{suffix}").exists() for suffix in (*SUFFIXES, ".patch"))
