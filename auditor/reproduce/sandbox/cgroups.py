"""Limits memory and processes of a whole tree by a control group of its own, where this user may make one."""

from __future__ import annotations

import itertools
import os
import re
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from auditor.reproduce.sandbox.job import Limits

_ROOT = Path("/sys/fs/cgroup")
_JOIN = 'for group in $0; do echo $$ > "$group/cgroup.procs" || exit 126; done; exec "$@"'
_PATIENCE = 2.0

_numbers = itertools.count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A control group, as one folder for each hierarchy; no folder where none could be made."""

    folders: tuple[Path, ...] = ()

    @property
    def joining(self) -> list[str]:
        """The command prefix that puts what follows into the group; paths of control groups hold no blanks."""
        return ["/bin/sh", "-c", _JOIN, " ".join(map(str, self.folders))] if self.folders else []

    def ran_out_of_memory(self) -> bool:
        """Whether something in the group was ended because it used too much."""
        for name in ("memory.events", "memory.oom_control"):
            for folder in self.folders:
                with suppress(OSError):
                    if re.search(r"^oom_kill [1-9]", (folder / name).read_text(encoding="ascii"), re.MULTILINE):
                        return True
        return False


@contextmanager
def group(limits: Limits) -> Iterator[Group]:
    """A group with ``limits``; whatever is left in it is ended on the way out."""
    made = Group(folders=tuple(_made(limits)))
    try:
        yield made
    finally:
        for folder in made.folders:
            _remove(folder)


def _made(limits: Limits) -> Iterator[Path]:
    name = f"auditor-{os.getpid()}-{next(_numbers)}"
    memory, processes = str(limits.memory), str(limits.processes)
    first = {"memory.limit_in_bytes": memory, "memory.memsw.limit_in_bytes": memory}
    second = {"memory.max": memory, "memory.swap.max": "0", "pids.max": processes, "memory.oom.group": "1"}
    for hierarchy, path in _own():
        match hierarchy:
            case "memory":
                folder, files = _ROOT / "memory" / path / name, first
            case "pids":
                folder, files = _ROOT / "pids" / path / name, {"pids.max": processes}
            case "":
                # Version 2: beside the present group, for one with processes in it hands nothing down.
                folder, files = (_ROOT / path).parent / name, second
            case _:
                continue
        if not any(character.isspace() for character in str(folder)) and _make(folder, files):
            yield folder


def _own() -> Iterator[tuple[str, str]]:
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, hierarchy, path = line.split(":", 2)
            yield hierarchy, path.strip("/")


def _make(folder: Path, files: Mapping[str, str]) -> bool:
    """Make a group in which at least the first of ``files`` could be written."""
    try:
        folder.mkdir()
    except OSError:
        return False
    essential = next(iter(files))
    for name, value in files.items():
        try:
            (folder / name).write_text(value, encoding="ascii")
        except OSError:
            if name == essential:
                _remove(folder)
                return False
    return True


def _remove(folder: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with suppress(OSError):
            (folder / "cgroup.kill").write_text("1", encoding="ascii")
        with suppress(OSError, ValueError):
            for pid in (folder / "cgroup.procs").read_text(encoding="ascii").split():
                os.kill(int(pid), signal.SIGKILL)
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.01)
        else:
            return
