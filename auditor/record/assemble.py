"""Puts the parts of a manifest together and writes it where no other manifest stands."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from auditor.errors import UsageError
from auditor.manifest.write import dump, write
from auditor.model.run import Json, Run
from auditor.record.request import Request, checked_text, inside

SUFFIXES: Final = (".run.yaml", ".run.json")


def stem(request: Request, started: datetime) -> str:
    """The run's id by the clock and its name: ``20250301-093000-train``."""
    name = request.name or _script(request.command)
    return f"{started.astimezone(UTC):%Y%m%d-%H%M%S}-{re.sub(r'[^A-Za-z0-9._-]+', '-', name).strip('-.')[:100] or 'run'}"


def place(request: Request, root: Path, started: datetime) -> Iterator[tuple[str, str]]:
    """Ids of the run and paths for its manifest, relative to the root: the one that was asked for, then those beside it.

    A path that is taken while the run goes on costs the name, never the record.
    """
    if request.manifest is None:
        wanted = stem(request, started)
        names = (wanted if count == 1 else f"{wanted}-{count}" for count in range(1, 10_000))
        yield from ((name, f"runs/{name}.run.yaml") for name in names if not _is_taken(root, name))
        return
    folder, _, name = request.manifest.rpartition("/")
    wanted, _, form = name.rpartition(".run.")
    for count in range(1, 10_000):
        run_id = (wanted or "run") if count == 1 else f"{wanted}-{count}"
        yield run_id, f"{folder}/{run_id}.run.{form}".lstrip("/") if count > 1 else request.manifest


def check_place(request: Request, root: Path) -> str | None:
    """The path asked for, relative to the root; None where the clock is to choose.

    Raises:
        UsageError: it exists and no stage can be added to it, or it has no manifest's name.
    """
    if request.manifest is None:
        return None
    path = inside(request.manifest, root, "--manifest")
    if not path.endswith(SUFFIXES):
        raise UsageError(f"--manifest {path}: a manifest is called {' or '.join('*' + s for s in SUFFIXES)}")
    if (root / path).exists() and request.stage is None:
        raise UsageError(f"{path} exists: a run is superseded, never edited", hint="choose another --manifest")
    return path


def text_of(value: dict[str, Json], path: str) -> str:
    """The manifest as it is written to ``path``: JSON or YAML by its name."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n" if path.endswith(".json") else dump(value)


def store_new(text: str, path: Path) -> bool:
    """Puts a file at ``path`` in one step, whole, and only if nothing is there; False if something is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.parent / f".{secrets.token_hex(8)}.tmp"
    write(beside, text)
    try:
        os.link(beside, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links: two recorders may meet here in the same instant
        if path.exists():
            return False
        beside.rename(path)
        return True
    finally:
        beside.unlink(missing_ok=True)
    return True


def store_patch(content: bytes, path: Path) -> bool:
    """Writes a patch; False if another run's stands there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("xb") as stream:
            stream.write(content)
    except FileExistsError:
        return False
    return True


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
    # What one stage could not give another may have given.
    unavailable = value.get("unavailable")
    if isinstance(unavailable, dict):
        value["unavailable"] = {pointer: reason for pointer, reason in unavailable.items() if not _stands(value, pointer)}
    return value


def _stands(value: Json, pointer: str) -> bool:
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return False
    return True


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
