"""Logs which files a Python process opens. Becomes the ``sitecustomize`` of the recorded command and of its children.

Stand-alone: it runs in whatever interpreter the command starts (Python 3.8 or newer) and may cost next to nothing. It
takes itself off ``sys.path`` and then runs the ``sitecustomize`` that would have run without it.

Beside this file lie ``root`` (the folder below which opens count), ``watched`` (one more file, may be empty) and ``log``.
Entries of the log end in a NUL byte: ``p`` for a process that observes, ``r`` and a path for an input, ``w`` and a path
for a file opened for writing.
"""

from __future__ import annotations

import contextlib
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 (pathlib would cost each process 5 ms)


def _setting(name: str) -> str:
    with open(os.path.join(_HERE, name), "rb") as stream:  # noqa: PTH118, PTH123
        return os.fsdecode(stream.read())


def _is_input(path: str, started: int) -> bool:
    """Whether there is a file that this run has not made or changed itself. One changed in the run's first tick counts."""
    try:
        return os.stat(path).st_ctime_ns <= started  # noqa: PTH116
    except (OSError, ValueError):
        return False


def _observe() -> None:
    root = _setting("root")
    watched = _setting("watched")
    below = root + os.sep
    log = os.open(os.path.join(_HERE, "log"), os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0))  # noqa: PTH118
    started = os.stat(os.path.join(_HERE, "root")).st_ctime_ns  # noqa: PTH116, PTH118
    seen = set()

    def enter(kind: bytes, path: str) -> None:
        entry = kind + os.fsencode(path) + b"\0"
        if entry not in seen:
            seen.add(entry)
            os.write(log, entry)

    def hook(event: str, arguments: tuple) -> None:  # type: ignore[type-arg]  # 3.8 cannot subscript it
        if event != "open":
            return
        try:
            path, _, flags = arguments
            if isinstance(path, int):
                return
            path = os.path.abspath(os.fsdecode(path))  # noqa: PTH100
            if not path.startswith(below) and path != watched:
                return
            mode = flags & os.O_ACCMODE
            if mode != os.O_WRONLY and not flags & os.O_TRUNC and _is_input(path, started):
                enter(b"r", path)
            if mode != os.O_RDONLY:
                enter(b"w", path)
        except Exception:  # noqa: BLE001, S110  (observing must never break what is observed)
            pass

    os.write(log, b"p\0")
    sys.addaudithook(hook)


def _chain() -> None:
    """Run the ``sitecustomize`` that comes next on the path, under its own name, as if this one did not exist."""
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != _HERE]  # noqa: PTH100
    sys.path_importer_cache.pop(_HERE, None)
    from importlib.machinery import PathFinder  # noqa: PLC0415
    from importlib.util import module_from_spec  # noqa: PLC0415

    spec = PathFinder.find_spec("sitecustomize")
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


if __name__ == "sitecustomize":
    with contextlib.suppress(OSError):  # the log is gone: a process that outlived its recorder
        _observe()
    _chain()
