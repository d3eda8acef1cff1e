"""Writes down the explicit seeds that a program hands to its random generators. Stand-alone; Python 3.8 or newer.

Becomes the ``sitecustomize`` of a re-executed command and runs the one that would have run without it. Generators are
made by their own classes, give the same numbers, and pickle and test as the same types; only the seed is looked at first.

``AUDITOR_SEED_LEDGER`` names the file to write to. A seed listed in ``AUDITOR_SEEDS_SHIFTED`` is handed on plus one: that
experiment tells whether a constant reaches the outputs.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself would cost every process its import
    from collections.abc import Callable, Sequence
    from types import ModuleType
    from typing import Any

_LIMIT = 4096
_SPLITTER = os.path.join("model_selection", "_split.py")  # noqa: PTH118 (pathlib would cost each process 5 ms)
_LEDGER = os.environ.get("AUDITOR_SEED_LEDGER", "")
_SHIFTED = frozenset(json.loads(os.environ.get("AUDITOR_SEEDS_SHIFTED", "[]")))
_seen: set[tuple[str, object]] = set()


def _plain(seed: Any) -> int | float | str | None:
    """The seed as JSON when it is an explicit constant, else None (no seed, or a generator made elsewhere)."""
    if isinstance(seed, (int, float, str)):
        return seed
    if isinstance(seed, (bytes, bytearray)):
        return bytes(seed).hex()
    if _is_integer(seed):
        return int(seed.__index__())
    if isinstance(seed, (list, tuple)) or getattr(seed, "ndim", 0) == 1:
        try:
            return json.dumps([int(part) for part in seed][:64])
        except (TypeError, ValueError):
            return None
    return None


def _is_integer(seed: Any) -> bool:
    """Whether it is an integer, numpy's included; an array is none, whatever its length."""
    return hasattr(seed, "__index__") and not getattr(seed, "shape", ())


def _where() -> tuple[str, bool] | None:
    """``file:line`` of the nearest caller that is no library, and whether a library's splitting of rows lies between.

    None for a generator that a library makes for itself while it is imported.
    """
    frame: Any = sys._getframe(2)  # noqa: SLF001 (there is no other way)
    root = os.getcwd() + os.sep  # noqa: PTH109
    splits = False
    while frame is not None:
        name = frame.f_code.co_filename
        splits = splits or name.endswith(_SPLITTER)
        path = os.path.abspath(name)  # noqa: PTH100
        if path.startswith(root) and not name.startswith("<") and "site-packages" not in name:
            return f"{path[len(root) :]}:{frame.f_lineno}", splits
        if frame.f_code.co_name == "<module>":
            return None
        frame = frame.f_back
    return "", splits


def _note(call: str, seed: Any) -> Any:
    """Write down an explicit seed once, and return the seed to use."""
    value = _plain(seed)
    if value is None:
        return seed
    place = _where() if (call, value) not in _seen and len(_seen) < _LIMIT else None
    if place is not None:
        _seen.add((call, value))
        line = json.dumps({"call": call, "seed": value, "at": place[0], "splits": place[1]}) + "\n"
        try:
            ledger = os.open(_LEDGER, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            os.write(ledger, line.encode())
            os.close(ledger)
        except OSError:  # taking notes must never break what is noted
            pass
    if f"{call}={value}" in _SHIFTED and (isinstance(seed, float) or _is_integer(seed)):
        return seed + 1
    return seed


def _function(module: ModuleType, name: str, call: str, keyword: str = "seed") -> None:
    """Put a function that looks at its first argument in the place of ``module.name``."""
    original = getattr(module, name)

    def noted(*arguments: Any, **named: Any) -> Any:
        if arguments:
            arguments = (_note(call, arguments[0]), *arguments[1:])
        elif keyword in named:
            named[keyword] = _note(call, named[keyword])
        return original(*arguments, **named)

    noted.__name__ = noted.__qualname__ = name
    noted.__doc__ = original.__doc__
    noted.__module__ = getattr(original, "__module__", module.__name__)
    setattr(module, name, noted)


def _class(module: ModuleType, name: str, call: str, keyword: str = "seed") -> None:
    """Put a stand-in for a class in the place of ``module.name``: its instances are the real thing."""
    original: Any = getattr(module, name)

    class Noted(type(original)):  # type: ignore[misc]  # a metaclass of whatever metaclass there is
        def __call__(cls, *arguments: Any, **named: Any) -> Any:
            if arguments:
                arguments = (_note(call, arguments[0]), *arguments[1:])
            elif keyword in named:
                named[keyword] = _note(call, named[keyword])
            # A program's own subclass makes its own instances.
            return original(*arguments, **named) if cls is stand_in else super().__call__(*arguments, **named)

        def __instancecheck__(cls, instance: Any) -> bool:
            return isinstance(instance, original) if cls is stand_in else super().__instancecheck__(instance)

        def __subclasscheck__(cls, other: Any) -> bool:
            return issubclass(other, original) if cls is stand_in else super().__subclasscheck__(other)

    stand_in = Noted(name, (original,), {"__module__": module.__name__, "__doc__": original.__doc__})
    setattr(module, name, stand_in)


def _random(module: Any) -> None:
    original = module.Random.seed

    def seed(self: Any, a: Any = None, version: int = 2) -> None:
        original(self, _note("random.seed", a), version)

    module.Random.seed = seed
    module.seed = module._inst.seed  # noqa: SLF001 (as the module itself does)


def _numpy(module: ModuleType) -> None:
    _function(module, "seed", "numpy.random.seed")
    _function(module, "default_rng", "numpy.random.default_rng")
    _class(module, "RandomState", "numpy.random.RandomState")
    _class(module, "SeedSequence", "numpy.random.SeedSequence", keyword="entropy")
    for name in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"):
        if hasattr(module, name):
            _class(module, name, f"numpy.random.{name}")


def _torch(module: ModuleType) -> None:
    _function(module, "manual_seed", "torch.manual_seed")


_PATCHES = {"random": _random, "numpy.random": _numpy, "torch.random": _torch}


class _Finder:
    """Notices the import of a generator's module and looks into its seeding once it is loaded."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        patch: Callable[[Any], None] | None = _PATCHES.get(name)
        spec = PathFinder.find_spec(name, path, target) if patch else None
        if patch is None or spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            patch(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]  # of this one loader
        return spec


def _watch() -> None:
    for name, patch in _PATCHES.items():
        if name in sys.modules:
            patch(sys.modules[name])
    sys.meta_path.insert(0, _Finder)


def _chain() -> None:
    """Run the ``sitecustomize`` that comes next on the path, under its own name, as if this one did not exist."""
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != here]  # noqa: PTH100
    sys.path_importer_cache.pop(here, None)
    spec = PathFinder.find_spec("sitecustomize")
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


if __name__ == "sitecustomize":
    if _LEDGER:
        _watch()
    _chain()
