"""Logs which files a Python process opens. Becomes the ``sitecustomize`` of the recorded command and of its children.

Stand-alone: it runs in whatever interpreter the command starts (Python 3.8 or newer) and may cost next to nothing. It
takes itself off ``sys.path`` and then runs the ``sitecustomize`` that would have run without it.

Beside this file lie ``root`` (the folder below which opens count), ``watched`` (one more file, may be empty) and ``log``.
Entries of the log end in a NUL byte: ``p`` for a process that observes, ``r`` and a path for an input, ``w`` and a path
for a file opened for writing, ``i`` and the first two parts of the name of a module that was imported, ``o`` when a process
did too much to be written down.
"""

from __future__ import annotations

import contextlib
import os
import sys

TYPE_CHECKING = False  # as typing has it, without its price
if TYPE_CHECKING:
    from collections.abc import Callable

_MOST = 200_000
"""Entries of one process: a program that opens millions of files must not fill the disk twice."""

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


def _kinds(path: str, flags: int, started: int) -> list[bytes]:
    """What opening a file makes of it: ``r`` an input, ``w`` an output, both or none."""
    mode = flags & os.O_ACCMODE
    is_read = mode != os.O_WRONLY and not flags & os.O_TRUNC and _is_input(path, started)
    return [b"r"] * is_read + [b"w"] * (mode != os.O_RDONLY)


def _observe() -> Callable[[], None]:
    """Start to observe; what is returned ends it."""
    root = _setting("root")
    watched = _setting("watched")
    below = root + os.sep
    log = os.open(os.path.join(_HERE, "log"), os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0))  # noqa: PTH118
    started = os.stat(os.path.join(_HERE, "root")).st_ctime_ns  # noqa: PTH116, PTH118
    seen: set[bytes] = set()

    def enter(kind: bytes, name: str) -> None:
        entry = kind + os.fsencode(name) + b"\0"
        if entry not in seen and len(seen) <= _MOST:
            seen.add(entry)
            os.write(log, entry if len(seen) <= _MOST else b"o\0")

    def note(path: str, _: object, flags: int) -> None:
        path = os.path.abspath(os.fsdecode(path))  # noqa: PTH100
        if not path.startswith(below) and path != watched:
            return
        for kind in _kinds(path, flags, started):
            enter(kind, path)

    active = [True]

    def hook(event: str, arguments: tuple) -> None:  # type: ignore[type-arg]  # 3.8 cannot subscript it
        try:
            if event == "open" and active:
                note(*arguments)
            elif event == "import" and active:
                enter(b"i", ".".join(arguments[0].split(".", 2)[:2]))
        except Exception:  # noqa: BLE001, S110  (observing must never break what is observed)
            pass  # a number in the place of a path, too: what it stands for was opened by name before

    os.write(log, b"p\0")
    sys.addaudithook(hook)
    return active.clear


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
