"""What re-executions of a run showed, or why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from auditor.evidence.unanswered import Inconclusive
from auditor.model.comparison import ReproductionResult
from auditor.model.words import Tier
from auditor.reproduce.liveness import Liveness


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproductions:
    """The results of one run's re-executions.

    ``required`` are the tiers that the gate asks for; empty where nothing is to be executed. ``computed``
    names the metrics that we computed ourselves from predictions of a re-execution. ``answering`` is the stage that each
    result speaks for, by its name; a person who asked for a part of a run (``in_part``) wants an answer for no other.
    ``reason`` says why nothing was executed although something was to be.
    """

    required: tuple[Tier, ...] = ()
    results: tuple[ReproductionResult, ...] = ()
    liveness: Liveness | None = None
    computed: frozenset[str] = frozenset()
    answering: Mapping[str, str] = field(default_factory=dict)
    in_part: bool = False
    reason: str | None = None

    @property
    def executes(self) -> bool:
        """Whether a tier that runs the command was asked for."""
        return any(tier > Tier.RECOMPUTE for tier in self.required)

    @property
    def trains(self) -> bool:
        """Whether a tier was asked for that starts the whole run, or a copy of it, with its seeds."""
        return any(tier in {Tier.SMOKE, Tier.FULL} for tier in self.required)

    def executed(self) -> tuple[ReproductionResult, ...]:
        """The results of tiers that ran the command.

        Raises:
            Inconclusive: none ran.
        """
        ran = tuple(r for r in self.results if r.tier > Tier.RECOMPUTE)
        if not ran:
            raise Inconclusive(self.reason or "nothing was re-executed")
        return ran
