"""Orders what is to be executed: the cheapest tier first, so that a divergence is found before more is paid for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from auditor.errors import UsageError
from auditor.model.run import Reproduction, Run
from auditor.model.words import Tier
from auditor.reproduce.staged import stage_of

_EXECUTING: Final = frozenset({Tier.EVALUATE, Tier.SMOKE, Tier.PREFIX, Tier.FULL})
_SHORTEST: Final = 60.0
_FACTOR: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One reproduction to execute. ``seconds`` is what one execution of it took when it was recorded; None: nobody knows."""

    reproduction: Reproduction
    seconds: float | None

    @property
    def tier(self) -> Tier:
        """How deep it goes."""
        return self.reproduction.tier


def plan(run: Run, tiers: Sequence[Tier], *, stage: str | None = None) -> tuple[Step, ...]:
    """The reproductions of ``run`` to execute for ``tiers``, in their order.

    A recorded evaluation costs next to nothing, so it belongs to every deeper tier. ``full`` is the run itself, ``prefix``
    its beginning, where the manifest records no reproduction of that tier. ``stage`` leaves the others out.

    Raises:
        UsageError: the run has no such stage.
    """
    asked = {tier for tier in tiers if tier in _EXECUTING}
    asked |= {Tier.EVALUATE} if asked else set()
    found = [each for each in run.reproductions if each.tier in asked]
    found += [own for own in _implied(run) if own.tier in asked and not any(each.tier is own.tier for each in found)]
    if stage is not None:
        known = [one.name for one in run.stages]
        if stage not in known:
            hint = f"its stages are {', '.join(known)}" if known else "the run was recorded without stages"
            raise UsageError(f"the run has no stage {stage!r}", hint=hint)
        found = [each for each in found if (own := stage_of(run, each)) is not None and own.name == stage]
    return tuple(Step(reproduction=each, seconds=_seconds(run, each)) for each in sorted(found, key=lambda r: r.tier.rank))


def lasted(run: Run) -> float | None:
    """How long the recorded run took, in seconds."""
    if run.run.started is None or run.run.finished is None:
        return None
    try:
        started, finished = (dt.datetime.fromisoformat(t) for t in (run.run.started, run.run.finished))
    except ValueError:
        return None
    return max(0.0, (finished - started).total_seconds())


def _implied(run: Run) -> list[Reproduction]:
    """What can be executed without having been recorded: the run itself, and the beginning of one that left a trace.

    A run of several stages is executed stage by stage, each on the recorded bytes of those before it.
    """
    if run.code is None or not run.code.entrypoint:
        return []
    traced = next((artifact for artifact in run.artifacts if artifact.role == "trace"), None)
    commands = {stage.name: stage.command for stage in run.stages}
    if run.stages:
        own = [
            Reproduction(name=f"full-{stage.name}", tier=Tier.FULL, command=stage.command, outputs=stage.outputs)
            for stage in run.stages
        ]
    else:
        own = [Reproduction(name="full", tier=Tier.FULL, command=run.code.entrypoint)]
    if traced is not None:
        command = commands.get(traced.stage or "", run.code.entrypoint)
        own.append(Reproduction(name="prefix", tier=Tier.PREFIX, command=command))
    return own


def _seconds(run: Run, reproduction: Reproduction) -> float | None:
    """What the recorder measured: a time limit is three times that, and not below a minute."""
    if reproduction.tier is Tier.FULL or (reproduction.tier is Tier.SMOKE and not reproduction.scale and not run.stages):
        return lasted(run)
    limit = reproduction.timeout
    return None if limit is None or limit <= _SHORTEST else limit / _FACTOR
