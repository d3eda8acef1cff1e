"""Brings executions about by being told of them."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.model.run import Reproduction
from auditor.model.words import Isolation
from auditor.reproduce.bundle.opened import Opened
from auditor.reproduce.bundle.replay import ReplayLab
from auditor.reproduce.request import Request


class Told:
    """Looks executions up in a bundle."""

    notes: Sequence[str] = ()
    left: float | None = None

    def __init__(self, request: Request, bundle: Opened) -> None:
        self._bundle = bundle
        self.isolation = request.isolation[0] if request.isolation else Isolation.NONE

    def lack(self, reproduction: Reproduction) -> str | None:
        """Nothing: the bundle says itself what could not be executed where it was made."""
        del reproduction
        return None

    def lab(self, request: Request, reproduction: Reproduction) -> ReplayLab:
        """What the bundle tells of ``reproduction``."""
        return ReplayLab(request, reproduction, self._bundle)
