"""Runs somebody else's command apart from this machine, behind one protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from auditor.errors import UndecidableError
from auditor.model.words import Isolation
from auditor.reproduce.sandbox.interpreter import Interpreter, find, is_python
from auditor.reproduce.sandbox.job import Execution, Job, Limits, Sandbox
from auditor.reproduce.sandbox.none import Unisolated
from auditor.reproduce.sandbox.promises import Promise, tried

__all__ = [
    "Execution",
    "Interpreter",
    "Job",
    "Limits",
    "Picked",
    "Promise",
    "Sandbox",
    "Trial",
    "find",
    "is_python",
    "pick",
    "preflight",
    "trial",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """The sandbox to use, or None; ``reason`` says why it is not a better one."""

    sandbox: Sandbox | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of trying one kind of isolation: the sandbox where it can be used, else the ``reason`` why not.

    ``promises`` tells each promise, kept or broken; empty where there was nothing to try.
    """

    sandbox: Sandbox | None = None
    reason: str | None = None
    promises: tuple[Promise, ...] = ()


@cache
def trial(isolation: Isolation) -> Trial:
    """Whether this kind of isolation keeps its promises on this machine. Tried once per process, if at all."""
    match isolation:
        case Isolation.BWRAP:
            return _bwrap()
        case Isolation.CONTAINER:
            return _container()
        case Isolation.NONE:
            return Trial(sandbox=Unisolated())


def preflight(isolation: Isolation) -> str | None:
    """None when this kind of isolation works on this machine, else the reason why not."""
    return trial(isolation).reason


def pick(preferences: Sequence[Isolation], *, allow_none: bool) -> Picked:
    """The first of ``preferences`` that works here; ``none`` only where it is preferred by name or ``allow_none``."""
    reasons: list[str] = []
    for isolation in preferences:
        if isolation is Isolation.NONE:
            return Picked(sandbox=Unisolated(), reason="; ".join(reasons) or "isolation none was asked for")
        tested = trial(isolation)
        if tested.sandbox is not None:
            return Picked(sandbox=tested.sandbox)
        reasons.append(tested.reason or f"{isolation} does not work here")
    why = "; ".join(reasons) or "no isolation is allowed"
    return Picked(sandbox=Unisolated() if allow_none else None, reason=why)


def _bwrap() -> Trial:
    from auditor.reproduce.sandbox import bwrap  # noqa: PLC0415  (each kind only where it is preferred)

    program = bwrap.find()
    lack = bwrap.lacking()
    if lack is not None or program is None:
        return Trial(reason=lack)
    sandbox = bwrap.Bwrap(str(program))
    try:
        return _judged("bubblewrap", sandbox, tried(sandbox, program, about="bwrap"))
    except (UndecidableError, OSError) as error:
        return Trial(reason=f"bubblewrap does not work here: {error}{bwrap.advice(str(error))}")


def _container() -> Trial:
    from auditor.reproduce.sandbox import container  # noqa: PLC0415  (the same)

    engine, why = container.find()
    if engine is None:
        return Trial(reason=why)
    sandbox = container.Container(engine)
    program, about = Path(engine.program), " ".join(engine.options)
    try:
        return _judged(program.name, sandbox, tried(sandbox, program, about=about))
    except (UndecidableError, OSError) as error:
        return Trial(reason=f"{program.name} does not work here: {error}")


def _judged(name: str, sandbox: Sandbox, promises: tuple[Promise, ...]) -> Trial:
    """Fail closed: a sandbox that breaks a promise of isolation is none."""
    broken = [f"{promise.name}: {', '.join(promise.broken)}" for promise in promises if promise.isolates and promise.broken]
    if broken:
        return Trial(reason=f"{name} does not keep its promises here: {'; '.join(broken)}", promises=promises)
    return Trial(sandbox=sandbox, promises=promises)
