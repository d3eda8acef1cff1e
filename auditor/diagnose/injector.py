"""Holds fixed, or varies, what a program sees of its surroundings. Stand-alone; Python 3.8 or newer.

Becomes the ``sitecustomize`` of a command and runs the one that would have run without it. ``AUDITOR_CHAOS`` is a JSON
object of factors, 1 for those that are varied. The very same code runs in control and varied executions: what it
allocates by itself would otherwise be a variation of its own. ``AUDITOR_EFFECTS`` names a file to which every process
writes what it then sees, so that a variation without effect is told from one that did no harm.
"""

# ruff: noqa: PLC0415  (modules are imported in an order that matters: after what they would have seen was replaced)

from __future__ import annotations

import json
import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself would cost every process its import
    from collections.abc import Callable, Iterator
    from typing import Any

_VARIED: dict[str, int] = json.loads(os.environ.get("AUDITOR_CHAOS", "{}"))
_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 (pathlib would cost each process 5 ms)
_EPOCH = 1_767_268_800.0  # noon of a winter's day, so that a shift of some months changes everything about it
_LATER = 398 * 86400 + 25_401.0
_PROCESSORS = (2, 5)
_OBJECTS: list[Any] = []


class _Entries:
    """What ``os.scandir`` gives, in a chosen order."""

    def __init__(self, found: list[Any]) -> None:
        self._rest = iter(found)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._rest)

    def __enter__(self) -> _Entries:  # noqa: PYI034 (Self is too new)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._rest = iter(())


def _directories(varied: int) -> None:
    """Directories are listed by name, or the other way round: file systems promise neither."""
    listdir, scandir = os.listdir, os.scandir

    def ordered_listdir(path: Any = ".") -> list[Any]:
        return sorted(listdir(path), reverse=bool(varied))

    def ordered_scandir(path: Any = ".") -> _Entries:
        with scandir(path) as found:
            return _Entries(sorted(found, key=lambda entry: entry.name, reverse=bool(varied)))

    os.listdir, os.scandir = ordered_listdir, ordered_scandir  # type: ignore[assignment]


def _clock(varied: int) -> None:
    """The calendar starts at a fixed moment and moves a millisecond each time it is asked, and on when the program sleeps.

    Clocks that measure durations (``monotonic``, ``perf_counter``) are real: programs wait by them.
    """
    import time

    now = [_EPOCH + (_LATER if varied else 0.0)]
    sleep = time.sleep

    def tell() -> float:
        now[0] += 0.001
        return now[0]

    def pause(seconds: float) -> None:
        now[0] += max(seconds, 0.0)
        sleep(seconds)

    time.time = tell
    time.time_ns = lambda: round(tell() * 1e9)
    time.sleep = pause  # type: ignore[assignment]
    for name in ("localtime", "gmtime", "ctime"):
        original = getattr(time, name)
        setattr(time, name, lambda seconds=None, original=original: original(tell() if seconds is None else seconds))
    strftime: Any = time.strftime
    asctime: Any = time.asctime
    time.strftime = lambda form, *when: strftime(form, *(when or (time.localtime(),)))
    time.asctime = lambda *when: asctime(*(when or (time.localtime(),)))
    _calendar(tell)


def _calendar(tell: Callable[[], float]) -> None:
    """``datetime`` and ``date`` ask ``tell`` what time it is.

    Their methods are replaced inside the types themselves: extension modules hold these types by address and layout, and a
    class in their place would crash them.
    """
    import ctypes
    import datetime as module  # noqa: ICN001 (it is the module that is changed)
    import gc

    def now(cls: Any, tz: Any = None) -> Any:
        return cls.fromtimestamp(tell(), tz)

    def today(cls: Any) -> Any:
        return cls.fromtimestamp(tell())

    def utcnow(cls: Any) -> Any:
        return cls.fromtimestamp(tell(), module.timezone.utc).replace(tzinfo=None)  # noqa: UP017 (UTC is too new)

    for kind, methods in ((module.datetime, (now, today, utcnow)), (module.date, (today,))):
        held = gc.get_referents(kind.__dict__)
        if not held or not isinstance(held[0], dict):  # another Python than CPython: the clock is told by time alone
            continue
        for method in methods:
            held[0][method.__name__] = classmethod(method)
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))


def _processors(varied: int) -> None:
    count = _PROCESSORS[varied]
    os.cpu_count = lambda: count
    if hasattr(os, "process_cpu_count"):
        os.process_cpu_count = lambda: count
    if hasattr(os, "sched_getaffinity"):
        os.sched_getaffinity = lambda _pid: set(range(count))


def _entropy(varied: int) -> None:
    """The system's entropy is a fixed stream, or another one: a program that draws from it unseeded shows itself."""
    import hashlib

    counter = [0]
    start = b"varied" if varied else b"steady"

    def urandom(size: int) -> bytes:
        found = b""
        while len(found) < size:
            counter[0] += 1
            found += hashlib.sha256(start + counter[0].to_bytes(8, "big")).digest()
        return found[:size]

    os.urandom = urandom
    import random

    original = random.Random.seed

    def seed(self: Any, a: Any = None, version: int = 2) -> None:
        original(self, int.from_bytes(urandom(32), "big") if a is None else a, version)

    random.Random.seed = seed  # type: ignore[method-assign]
    random.seed = random._inst.seed  # noqa: SLF001 (as the module itself does)
    random.seed()


def _addresses(varied: int) -> None:
    """Objects come to lie elsewhere: a few of every size are kept alive. The rest is up to the address space's layout."""
    for size in range(0, 480, 16):
        _OBJECTS.extend(bytes(size) for _ in range(5 if varied else 0))
    _OBJECTS.extend(object() for _ in range(13 if varied else 0))


def _effects() -> dict[str, object]:
    """What this process sees now, by factor."""
    import ctypes
    import locale
    import time

    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    place = libc.malloc(3000)
    filled = ctypes.string_at(place + 1024, 16).hex()
    libc.free(place)
    seen = {
        "hash-seed": hash("auditor"),
        "directory-order": os.listdir(_HERE)[0],  # noqa: PTH208
        "clock": time.strftime("%Y-%m-%d", time.gmtime()),
        "time-zone": time.timezone,
        "working-directory": os.getcwd(),  # noqa: PTH109
        "processors": os.cpu_count(),
        "locale": [locale.getpreferredencoding(False), sys.flags.utf8_mode],
        "home": os.path.expanduser("~"),  # noqa: PTH111
        "memory": filled,
        "addresses": id(object()),
        "entropy": os.urandom(8).hex(),
        "threads": min(int(os.environ.get("OMP_NUM_THREADS") or 1), _real_processors),
    }
    return {name: seen[name] for name in sorted(seen)}


_real_processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _chain() -> None:
    """Run the ``sitecustomize`` that comes next on the path, under its own name, as if this one did not exist."""
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != _HERE]  # noqa: PTH100
    sys.path_importer_cache.pop(_HERE, None)
    spec = PathFinder.find_spec("sitecustomize")
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


if __name__ == "sitecustomize":
    if _VARIED:
        _directories(_VARIED["directory-order"])
        _clock(_VARIED["clock"])
        _processors(_VARIED["processors"])
        _entropy(_VARIED["entropy"])
        _addresses(_VARIED["addresses"])
        line = json.dumps(_effects()) + "\n"
        try:
            notes = os.open(os.environ["AUDITOR_EFFECTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            os.write(notes, line.encode())
            os.close(notes)
        except OSError:  # taking notes must never break what is noted
            pass
    _chain()
