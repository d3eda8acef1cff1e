"""Observes which files below the repository root a command and its children read.

By an audit hook in each interpreter, which cannot see readers in C (pyarrow, HDF5), programs that are not Python, and
interpreters started isolated (-I, -E, -S); or by strace, which sees all of these.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from auditor.record import tracing

Method = Literal["audit-hook", "strace", "none"]
RECORDING: Final = "AUDITOR_RECORDING"
"""Tells the command that it is being recorded, and in which folder its own reports are collected."""

_HOOK: Final = Path(__file__).with_name("hook.py")
IGNORED: Final = (".git", "__pycache__", "site-packages", "dist-packages")
"""Names of folders whose content is never an input of its own: the interpreter's libraries are listed as packages."""

_CACHED = re.compile(r"(?P<name>.+?)\.[a-z]+-[0-9]+[^/]*\.pyc\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was observed. ``reads`` and ``writes`` are POSIX paths relative to the root; names that are no UTF-8 survive.

    ``processes`` counts the Python processes that observed; with none, nothing is known. ``watched`` tells whether the one
    file outside the root was opened. ``prefixes`` are the folders below the root that were left out. ``imports`` are modules
    by the first two parts of their names, None where they are not known. ``overflowed``: a process did too much to list.
    """

    reads: tuple[str, ...] = ()
    writes: frozenset[str] = frozenset()
    processes: int = 0
    watched: bool = False
    prefixes: tuple[str, ...] = ()
    imports: frozenset[str] | None = None
    overflowed: bool = False
    method: Method = "audit-hook"


class Observation:
    """A folder with the hook in it, put in front of the command's PYTHONPATH; gone when the context ends.

    Raises:
        UsageError: the method is strace, and it is not here or may not trace.
    """

    def __init__(self, root: Path, watched: Path | None = None, method: Method = "audit-hook") -> None:
        self.root = root
        self.method = method
        self.folder = Path(tempfile.mkdtemp(prefix="auditor-observe-")).resolve()
        try:
            shutil.copyfile(_HOOK, self.folder / "sitecustomize.py")
            (self.folder / "watched").write_bytes(os.fsencode(watched) if watched else b"")
            (self.folder / "log").touch()
            self.reported = self.folder / "reported"
            self.tracer = tracing.prefix(self.folder) if method == "strace" else []
            (self.folder / "root").write_bytes(os.fsencode(root))
            self.started = (self.folder / "root").stat().st_ctime_ns
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """``variables`` with the hook in front of PYTHONPATH, without an empty part (which would mean "here")."""
        told = {**variables, RECORDING: str(self.folder)}
        if self.method == "none":
            return told
        rest = variables.get("PYTHONPATH", "")
        return {**told, "PYTHONPATH": f"{self.folder}{os.pathsep}{rest}" if rest else str(self.folder)}

    def seen(self, prefix: str | None = None) -> Seen:
        """What was logged so far, byte-code caches named by their source.

        Args:
            prefix: the interpreter's own prefix; when it lies below the root (``.venv``) it is left out.
        """
        left_out = _environments(self.root, prefix)
        noted = _Noted(root=self.root, left_out=left_out, outside=(self.folder / "watched").read_bytes())
        if self.method == "strace":
            # First, because they are in order of time: what was read before it was written is an input.
            for opened in tracing.opened(self.folder):
                for kind in (b"r", b"w") if opened.kind == "both" else (opened.kind[:1].encode(),):
                    noted.take(kind, os.fsencode(opened.path), traced=True)
        for entry in _entries(self.folder / "log"):
            noted.take(entry[:1], entry[1:])
        hooked = noted.processes
        if self.method == "strace":
            noted.processes = max(noted.processes, tracing.processes(self.folder))
        kept = tuple(sorted(p for p in noted.reads if not set(IGNORED).intersection(p.split("/"))))
        return Seen(
            reads=kept,
            writes=frozenset(noted.writes),
            processes=noted.processes,
            watched=noted.watched,
            prefixes=(*IGNORED, *(folder.rstrip("/") for folder in left_out)),
            imports=frozenset(noted.imports) if hooked and not noted.overflowed else None,
            overflowed=noted.overflowed,
            method=self.method,
        )


@dataclass(slots=True, kw_only=True)
class _Noted:
    """The log, added up entry by entry."""

    root: Path
    left_out: tuple[str, ...]
    outside: bytes
    reads: dict[str, None] = field(default_factory=dict)
    writes: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)
    processes: int = 0
    watched: bool = False
    overflowed: bool = False

    def take(self, kind: bytes, raw: bytes, *, traced: bool = False) -> None:
        """One entry. ``traced`` ones are told afterwards, so what is no file (any more) cannot have been judged then."""
        self.processes += kind == b"p"
        self.overflowed = self.overflowed or kind == b"o"
        self.watched = self.watched or (kind == b"r" and raw == self.outside != b"")
        if kind == b"i":
            self.imports.add(os.fsdecode(raw))
        path = _relative(os.fsdecode(raw), self.root) if kind in {b"r", b"w"} else None
        if path is None or path.startswith(self.left_out) or (traced and (self.root / path).is_dir()):
            return
        if kind == b"w":
            self.writes.add(path)
        elif (source := _source(path, self.root)) is not None and source not in self.writes:
            self.reads[source] = None


def _entries(log: Path) -> Iterator[bytes]:
    rest = b""
    with log.open("rb") as stream:
        while block := stream.read(1 << 20):
            *whole, rest = (rest + block).split(b"\0")
            yield from whole


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
