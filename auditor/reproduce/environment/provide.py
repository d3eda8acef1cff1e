"""Chooses the environment of a re-execution, as the policy allows, and says which one it is and how it differs."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from auditor.environment import allowed, capture
from auditor.errors import AuditorError, UndecidableError
from auditor.model.run import Environment, Executor, Run
from auditor.model.words import Isolation
from auditor.reproduce import sandbox
from auditor.reproduce.environment.base import find_base
from auditor.reproduce.environment.installer import find_installer
from auditor.reproduce.environment.lock import read_pins
from auditor.reproduce.environment.rebuild import Recipe, rebuild
from auditor.reproduce.request import Request

_PATIENCE = 600.0
_PINNED = re.compile(r"[a-z0-9][A-Za-z0-9._/:-]*@sha256:[0-9a-f]{64}")
_OWN = "ml-run-auditor"
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided:
    """An interpreter to execute a run with.

    Attributes:
        source: ``lock sha256:…``, ``image …`` or ``current``: which of the policy's sources it came from.
        image: the container image to execute in, None for this machine's own files.
        described: what it holds under the recorded numeric variables, None where it cannot be told.
        notes: what differs from the record, and why a better source was not used.
    """

    interpreter: sandbox.Interpreter
    source: str
    described: Environment | None
    notes: tuple[str, ...] = ()
    image: str | None = None

    @property
    def executor(self) -> Executor | None:
        """What it forms with this machine, None where it cannot be told."""
        return self.described.executor if self.described is not None else None


def provide(request: Request, command: tuple[str, ...], box: sandbox.Sandbox, *, deadline: float | None) -> Provided:
    """The environment for ``command`` from the first of the policy's sources that works here.

    Raises:
        UndecidableError: none of them does.
    """
    refused: list[str] = []
    current = sandbox.find(command, request.repository.root)
    for source in request.environment.sources:
        found: Provided | None = None
        try:
            match source:
                case "lock":
                    found = _lock(request, current, box, deadline)
                case "image":
                    found = _image(request.run, box)
                case "current":
                    found = _current(request.run, current)
        except AuditorError as error:
            refused.append(error.message if error.hint is None else f"{error.message} ({error.hint})")
            continue
        if found is not None:
            return replace(found, notes=(*refused, *found.notes))
    why = "; ".join(refused) or f"the run records none of what it allows: {', '.join(request.environment.sources)}"
    raise UndecidableError(f"there is no environment that the policy allows: {why}")


def _current(run: Run, current: sandbox.Interpreter) -> Provided:
    described = _described(str(current.path), run)
    return Provided(interpreter=current, source="current", described=described, notes=_differences(run, described))


def _image(run: Run, box: sandbox.Sandbox) -> Provided | None:
    recorded = run.environment.container if run.environment is not None else None
    if recorded is None:
        return None
    if _PINNED.fullmatch(recorded.image) is None:
        raise UndecidableError("the recorded image is not named by digest")
    if box.isolation is not Isolation.CONTAINER:
        raise UndecidableError("the recorded image needs isolation container")
    # Its programs answer no questions outside of it: what it holds is what its digest says.
    interpreter = sandbox.Interpreter(path=Path("python"), prefixes=(), search=(), links=())
    return Provided(interpreter=interpreter, source=f"image {recorded.image}", described=None, image=recorded.image)


def _lock(request: Request, current: sandbox.Interpreter, box: sandbox.Sandbox, deadline: float | None) -> Provided | None:
    recorded = request.run.environment
    lock = recorded.lock if recorded is not None else None
    if recorded is None or lock is None:
        return None
    try:
        found = request.fetch(lock)
        if found is None:
            raise UndecidableError("its bytes are not here")
        base = find_base(recorded.python, current.path)
        pins = read_pins(found.read_bytes(), lock.kind or lock.path, machine=base.machine)
        if _imports_us(request.run) and not any(pin.name == _OWN for pin in pins.pins):
            raise UndecidableError("the script imports the auditor, which the lock lacks")
        rules = request.environment
        recipe = Recipe(pins=pins, base=base, installer=find_installer(), index=rules.index, build=rules.build == "allowed")
        left = _PATIENCE if deadline is None else min(_PATIENCE, deadline - time.monotonic())
        built = _rebuilt(recipe, request.repository.common_dir / "auditor" / "environments", box, left)
    except AuditorError as error:
        raise UndecidableError(
            f"the environment is not rebuilt from {lock.path}: {error.message}", hint=error.hint
        ) from None
    # What the project installs of itself comes from the workspace, whichever environment surrounds it.
    own = tuple(request.repository.root / entry for entry in current.editable(request.repository.root))
    described = _described(str(base.path), request.run, only=built.search)
    return Provided(
        interpreter=replace(built, search=(*built.search, *own)),
        source=f"lock {lock.digest or lock.path}",
        described=described,
        notes=(*pins.ignored, *_differences(request.run, described)),
    )


_failures: dict[str, UndecidableError] = {}
"""What could not be built is not tried again for the next run of the same gate."""


def _rebuilt(recipe: Recipe, folder: Path, box: sandbox.Sandbox, left: float) -> sandbox.Interpreter:
    if recipe.key in _failures:
        raise _failures[recipe.key]
    if left <= 0:
        raise UndecidableError("the time budget is used up")
    try:
        return rebuild(recipe, folder, box, timeout=left)
    except UndecidableError as error:
        _failures[recipe.key] = error
        raise


def _imports_us(run: Run) -> bool:
    """Whether the run was recorded from within its script, which then imports the auditor when it is executed again."""
    about = run.extensions.get("auditor")
    return isinstance(about, dict) and "observed" in about


def _described(python: str, run: Run, *, only: tuple[Path, ...] = ()) -> Environment | None:
    """What an environment holds. Programs of a rebuilt one are not started here: its ``only`` folders are listed."""
    recorded = allowed(run.environment.variables) if run.environment else {}
    own = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
    return _captured(python, tuple(sorted((own | recorded).items())), tuple(str(folder) for folder in only))


@cache
def _captured(python: str, variables: tuple[tuple[str, str], ...], only: tuple[str, ...]) -> Environment | None:
    try:
        return capture(python, dict(variables), only=only)
    except AuditorError:
        return None


def _differences(run: Run, here: Environment | None) -> tuple[str, ...]:
    """The distributions that the run imported and that are others here, or missing; the project's own are not compared."""
    recorded = run.environment
    about = run.extensions.get("auditor")
    if recorded is None or here is None or not isinstance(about, dict) or about.get("packages") != "imported":
        return ()
    own = {*recorded.editable, *here.editable, _OWN}
    words = [
        f"{name} {here.packages[name]} here, {version} recorded"
        if name in here.packages
        else f"{name} is not installed here"
        for name, version in sorted(recorded.packages.items())
        if name not in own and here.packages.get(name) != version
    ]
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return (f"another environment than recorded: {'; '.join(words[:_SHOWN])}{more}",) if words else ()
