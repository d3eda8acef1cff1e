"""What brings the executions of a request about: the sandbox of this machine, or the evidence of another."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from auditor.model.run import Needs, Reproduction
from auditor.model.words import Isolation
from auditor.reproduce import environment, sandbox
from auditor.reproduce.attempt import Bench
from auditor.reproduce.request import Request
from auditor.reproduce.trial import Lab


class Rig(Protocol):
    """Opens a lab for each reproduction."""

    @property
    def isolation(self) -> Isolation:
        """What stands, or stood, between the commands and the machine, as far as it is one for all."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """Short sentences for people."""
        ...

    @property
    def left(self) -> float | None:
        """Seconds that are left for executions, None for no limit."""
        ...

    def lack(self, reproduction: Reproduction) -> str | None:
        """What the machine has not of what ``reproduction`` needs."""
        ...

    def steps(self, request: Request, reproduction: Reproduction, wanted: int) -> int:
        """How many steps of a run's beginning are looked at where ``wanted`` are asked for; never fewer of them.

        Raises:
            AuditorError: there are not as many to look at.
        """
        ...

    def lab(self, request: Request, reproduction: Reproduction) -> Lab:
        """The lab of one reproduction.

        Raises:
            AuditorError: there is none to be had; the reason is in the message.
        """
        ...


class Live:
    """Executes here. ``deadline`` is a time of the monotonic clock, None for no limit."""

    def __init__(self, chosen: sandbox.Sandbox, notes: Sequence[str], deadline: float | None) -> None:
        self._sandbox = chosen
        self._deadline = deadline
        self.notes = notes

    @property
    def isolation(self) -> Isolation:
        """What stands between the commands and this machine."""
        return self._sandbox.isolation

    @property
    def left(self) -> float | None:
        """Seconds that are left for executions, None for no limit."""
        return None if self._deadline is None else self._deadline - time.monotonic()

    def lack(self, reproduction: Reproduction) -> str | None:
        """What this machine has not of what ``reproduction`` needs."""
        return _lack(reproduction.needs, self.isolation) if reproduction.needs is not None else None

    def steps(self, request: Request, reproduction: Reproduction, wanted: int) -> int:
        """As many as are asked for: they are executed here."""
        del request, reproduction
        return wanted

    def lab(self, request: Request, reproduction: Reproduction) -> Lab:
        """A bench for it, or one that another policy had it executed at; see :class:`Rig`."""
        if request.kept is None:
            return self.bench(request, reproduction)
        key = (request.digest, request.commit, tuple(request.manifest_patterns), msgspec.json.encode(reproduction))
        return request.kept.lab((*key, self.isolation), lambda: self.bench(request, reproduction))

    def bench(self, request: Request, reproduction: Reproduction) -> Bench:
        """A bench of its own for ``reproduction``."""
        command = reproduction.command or (request.run.code.entrypoint if request.run.code else ())
        provided = environment.provide(request, command, self._sandbox, deadline=self._deadline)
        return Bench(request, reproduction, sandbox=self._sandbox, provided=provided, deadline=self._deadline)


def live(request: Request) -> Live | str:
    """The best of the sandboxes that ``request`` allows and this machine has, or why there is none."""
    picked = sandbox.pick(request.isolation, allow_none=request.allow_none)
    if picked.sandbox is None:
        return f"there is no sandbox to execute it in: {picked.reason}"
    deadline = None if request.budget is None else time.monotonic() + request.budget
    return Live(picked.sandbox, [] if picked.reason is None else [f"not isolated: {picked.reason}"], deadline)


def _lack(needs: Needs, isolation: Isolation) -> str | None:
    """What this machine has not of what a reproduction needs."""
    if needs.accelerator and not _has_accelerator():
        return "it needs an accelerator, which this machine lacks"
    if needs.accelerator and isolation is not Isolation.NONE:
        return "it needs an accelerator, which the sandbox does not pass on yet"
    if (needs.memory or 0) > _memory():
        return f"it needs {needs.memory} bytes of memory, this machine has {_memory()}"
    return None


def _has_accelerator() -> bool:
    return any(Path(device).exists() for device in ("/dev/nvidia0", "/dev/kfd", "/dev/accel0"))


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
