"""Brings executions about by being told of them."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.errors import UndecidableError
from auditor.model.run import Reproduction
from auditor.model.words import Isolation
from auditor.reproduce import prefix
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

    def steps(self, request: Request, reproduction: Reproduction, wanted: int) -> int:
        """As many as were executed there, when these are enough: whoever executes does not choose how little counts.

        Raises:
            UndecidableError: there are not.
        """
        told = self._bundle.variations(request.digest or "", reproduction.name, reproduction.tier, request.commit)
        known = [number for one in told if (number := prefix.steps_of(one)) is not None]
        if known and max(known) < wanted:
            raise UndecidableError(
                f"the evidence tells of the first {max(known)} steps, and {wanted} are asked for",
                hint=f"auditor reproduce MANIFEST --tier prefix --steps {wanted} --evidence-out DIR",
            )
        return max(known, default=wanted)

    def lab(self, request: Request, reproduction: Reproduction) -> ReplayLab:
        """What the bundle tells of ``reproduction``."""
        return ReplayLab(request, reproduction, self._bundle)
