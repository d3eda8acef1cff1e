"""Runs somebody else's command apart from this machine, behind one protocol."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from auditor.model.words import Isolation
from auditor.reproduce.sandbox import bwrap
from auditor.reproduce.sandbox.bwrap import Bwrap
from auditor.reproduce.sandbox.interpreter import Interpreter, find, is_python
from auditor.reproduce.sandbox.job import Execution, Job, Limits, Sandbox
from auditor.reproduce.sandbox.none import Unisolated

__all__ = ["Execution", "Interpreter", "Job", "Limits", "Picked", "Sandbox", "find", "is_python", "pick", "preflight"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """The sandbox to use, or None; ``reason`` says why it is not a better one."""

    sandbox: Sandbox | None
    reason: str | None = None


def preflight(isolation: Isolation) -> str | None:
    """None when this kind of isolation works on this machine, else the reason why not."""
    match isolation:
        case Isolation.BWRAP:
            return bwrap.preflight()
        case Isolation.CONTAINER:
            return "containers are not supported yet"
        case Isolation.NONE:
            return None


def pick(preferences: Sequence[Isolation], *, allow_none: bool) -> Picked:
    """The first of ``preferences`` that works here; ``none`` only where it is preferred by name or ``allow_none``."""
    reasons: list[str] = []
    for isolation in preferences:
        if isolation is Isolation.NONE:
            return Picked(sandbox=Unisolated(), reason="; ".join(reasons) or "isolation none was asked for")
        reason = preflight(isolation)
        if reason is None:
            return Picked(sandbox=Bwrap(shutil.which("bwrap") or "bwrap"))
        reasons.append(reason)
    why = "; ".join(reasons) or "no isolation is allowed"
    return Picked(sandbox=Unisolated() if allow_none else None, reason=why)
