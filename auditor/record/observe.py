"""Observes which files below the repository root a command and its children read, by an audit hook in each interpreter.

What it cannot see: readers in C (pyarrow, HDF5), programs that are not Python, interpreters started isolated (-I, -E, -S).
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_HOOK: Final = Path(__file__).with_name("hook.py")
IGNORED: Final = (".git", "__pycache__", "site-packages", "dist-packages")
"""Names of folders whose content is never an input of its own: the interpreter's libraries are listed as packages."""

_CACHED = re.compile(r"(?P<name>.+?)\.[a-z]+-[0-9]+[^/]*\.pyc\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was observed. ``reads`` and ``writes`` are POSIX paths relative to the root; names that are no UTF-8 survive.

    ``processes`` counts the Python processes that observed; with none, nothing is known. ``watched`` tells whether the one
    file outside the root was opened. ``prefixes`` are the folders below the root that were left out.
    """

    reads: tuple[str, ...] = ()
    writes: frozenset[str] = frozenset()
    processes: int = 0
    watched: bool = False
    prefixes: tuple[str, ...] = ()


class Observation:
    """A folder with the hook in it, put in front of the command's PYTHONPATH; gone when the context ends."""

    def __init__(self, root: Path, watched: Path | None = None) -> None:
        self.root = root
        self.folder = Path(tempfile.mkdtemp(prefix="auditor-observe-")).resolve()
        shutil.copyfile(_HOOK, self.folder / "sitecustomize.py")
        (self.folder / "watched").write_bytes(os.fsencode(watched) if watched else b"")
        (self.folder / "log").touch()
        (self.folder / "root").write_bytes(os.fsencode(root))
        self.started = (self.folder / "root").stat().st_ctime_ns

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """``variables`` with the hook in front of PYTHONPATH, without an empty part (which would mean "here")."""
        rest = variables.get("PYTHONPATH", "")
        return {**variables, "PYTHONPATH": f"{self.folder}{os.pathsep}{rest}" if rest else str(self.folder)}

    def seen(self, prefix: str | None = None) -> Seen:
        """What was logged so far, byte-code caches named by their source.

        Args:
            prefix: the interpreter's own prefix; when it lies below the root (``.venv``) it is left out.
        """
        reads: dict[str, None] = {}
        writes: set[str] = set()
        processes, watched = 0, False
        outside = (self.folder / "watched").read_bytes()
        left_out = _environments(self.root, prefix)
        for entry in (self.folder / "log").read_bytes().split(b"\0"):
            kind, raw = entry[:1], entry[1:]
            processes += kind == b"p"
            watched = watched or (kind == b"r" and raw == outside != b"")
            path = _relative(os.fsdecode(raw), self.root)
            if path is None or path.startswith(left_out):
                continue
            if kind == b"w":
                writes.add(path)
            elif kind == b"r" and (source := _source(path, self.root)) is not None and source not in writes:
                reads[source] = None
        kept = tuple(sorted(p for p in reads if not set(IGNORED).intersection(p.split("/"))))
        prefixes = (*IGNORED, *(folder.rstrip("/") for folder in left_out))
        return Seen(reads=kept, writes=frozenset(writes), processes=processes, watched=watched, prefixes=prefixes)


def _relative(path: str, root: Path) -> str | None:
    below = f"{root}{os.sep}"
    return path.removeprefix(below).replace(os.sep, "/") if path.startswith(below) else None


def _environments(root: Path, prefix: str | None) -> tuple[str, ...]:
    """Folders below the root that hold an interpreter: the one in use, and any with a ``pyvenv.cfg`` directly below."""
    found = [f"{path.parent.name}/" for path in root.glob("*/pyvenv.cfg")]
    own = _relative(prefix, root) if prefix else None
    return tuple(sorted({*found, *([f"{own}/"] if own else [])}))


def _source(path: str, root: Path) -> str | None:
    """The source file behind a byte-code cache (``a/__pycache__/b.cpython-311.pyc`` is ``a/b.py``), others as they are."""
    folder, _, name = path.rpartition("/")
    parent, _, last = folder.rpartition("/")
    if last != "__pycache__":
        return path
    match = _CACHED.match(name)
    source = f"{parent}/{match['name']}.py".lstrip("/") if match else None
    return source if source and (root / source).is_file() else None
