"""By which rules two machines are compared: the one that recorded a run and this one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from auditor.compare import banded
from auditor.compare.known import counting
from auditor.compare.tolerance import Settled, between
from auditor.environment.executor import numeric_stack
from auditor.model.band import Machine
from auditor.model.comparison import Comparison
from auditor.model.run import Executor, Run
from auditor.model.words import Agreement
from auditor.reproduce.request import Request

_STRANGERS = "these two machines were never measured against each other, and the policy asks for that (executors)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is allowed between two machines. ``same``: bit-equality may be expected; ``strangers``: nothing else counts."""

    tolerances: Settled
    same: bool
    strangers: bool

    def conclude(self, comparisons: Iterable[Comparison]) -> tuple[Comparison, ...]:
        """The comparisons as bands, and the policy on machines that no band is about, let them stand."""
        settled = banded.by_bands(comparisons, self.tolerances)
        return tuple(_undecided(one) for one in settled) if self.strangers else settled


def rules(request: Request, here: Executor | None) -> Rules:
    """The rules for this machine, of which ``here`` is None where nobody can tell what it is."""
    there = _recorded(request.run)
    machines = (_machine(there), _machine(here))
    known = counting(request.bands, machines, run=request.digest, today=dt.datetime.now(tz=dt.UTC).date())
    same = here is not None and there is not None and here.class_ == there.class_
    return Rules(
        tolerances=between(request.tolerances, machines, known),
        same=same,
        strangers=request.unknown_pair == "inconclusive" and not same and not known,
    )


def _undecided(comparison: Comparison) -> Comparison:
    if comparison.agreement not in {Agreement.WITHIN_TOLERANCE, Agreement.DIVERGED}:
        return comparison
    note = "; ".join(filter(None, (comparison.note, _STRANGERS)))
    return msgspec.structs.replace(comparison, agreement=Agreement.INCONCLUSIVE, note=note)


def _recorded(run: Run) -> Executor | None:
    return run.environment.executor if run.environment else None


def _machine(executor: Executor | None) -> Machine | None:
    return None if executor is None else Machine(class_=executor.class_, stack=numeric_stack(executor))
