"""Runs an experiment on a recorded run and reports what it showed."""

from __future__ import annotations

import time
from contextlib import closing

from auditor.diagnose.chaos import chaos as isolate
from auditor.diagnose.surroundings import Surroundings
from auditor.gate.experiment import Asked, experiment
from auditor.model.comparison import Comparison, ReproductionResult
from auditor.model.report import Report
from auditor.model.words import Agreement, Exit


def chaos(asked: Asked) -> Report:
    """The report of which accidental surroundings a run depends on, a comparison for each factor (``factor:NAME``).

    Raises:
        PolicyError, EmptySelectionError, UsageError, UndecidableError, UnreadableError: it cannot be asked; each says why.
    """
    started = time.monotonic()
    with experiment(asked) as ready:
        reproduction = ready.reproduction
        with closing(Surroundings(ready.rig, ready.request, reproduction)) as surroundings:
            found = isolate(surroundings, asked.progress)
        comparisons = tuple(
            Comparison(of=f"factor:{one.factor.name}", agreement=one.agreement, note=f"{one.effect}: {one.note}")
            for one in found.findings
        )
        varied = [c.agreement for c in comparisons if c.agreement is not Agreement.NOT_EXERCISED]
        result = ReproductionResult(
            name="chaos",
            tier=reproduction.tier,
            agreement=max(varied, default=Agreement.NOT_EXERCISED),
            isolation=ready.rig.isolation,
            seconds=time.monotonic() - started,
            comparisons=comparisons,
            note=found.note,
        )
        return ready.report(result, code=Exit.UNDECIDED if found.unfinished else Exit.OPEN)
