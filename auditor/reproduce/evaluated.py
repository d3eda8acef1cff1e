"""Evaluates recorded weights again: the weights and the data go in, predictions come out, and we compute the metrics.

An evaluation that does not look at the weights proves nothing about them. So the command is executed once more with other
weights in their place; predictions that stay the same are not theirs.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from auditor.model.comparison import Comparison
from auditor.model.policy import Tolerances
from auditor.model.run import Artifact, Reproduction, Run
from auditor.model.words import Agreement
from auditor.reproduce.contents import differences
from auditor.reproduce.expected import Expected, place_of
from auditor.reproduce.request import Request
from auditor.reproduce.staged import as_data
from auditor.reproduce.trial import Trial

WEIGHTS = frozenset({"weights", "checkpoint"})
"""Roles of what an evaluation looks at."""


def weights_of(run: Run, reproduction: Reproduction) -> tuple[Artifact, ...]:
    """The weights that ``reproduction`` evaluates: those among its inputs, or all that the run wrote."""
    own = [artifact for artifact in run.artifacts if artifact.role in WEIGHTS]
    named = [artifact for artifact in own if {artifact.path, artifact.mount, artifact.name} & set(reproduction.inputs)]
    return tuple(named or (artifact for artifact in own if artifact.role == "weights"))


def narrowed(request: Request, reproduction: Reproduction) -> Request:
    """``request`` for the evaluation alone: weights are inputs, predictions are outputs, nothing else of the run is."""
    run = request.run
    given = weights_of(run, reproduction)
    made = [a for a in run.artifacts if {a.path, a.mount, a.name} & set(reproduction.outputs)]
    made = made or [a for a in run.artifacts if a.role == "predictions"]
    beside = [a for a in run.artifacts if a not in given and a not in made and a.path in reproduction.inputs]
    others = [a for a in run.artifacts if a not in given and a not in made and a not in beside]
    names = {name for artifact in made for name in (artifact.name, artifact.path, artifact.mount)}
    view = msgspec.structs.replace(
        run,
        data=(
            *run.data,
            *(msgspec.structs.replace(as_data(a), role="parent-weights") for a in given),
            *(as_data(a) for a in beside),
        ),
        artifacts=tuple(made),
        metrics=tuple(m for m in run.metrics if m.from_ is not None and m.from_.predictions in names),
        observed=None,
    )
    hidden = [place for artifact in others if (place := place_of(artifact))]
    return replace(request, run=view, manifest_patterns=(*request.manifest_patterns, *hidden))


def blindness(expected: Expected, first: Trial, other: Trial, tolerances: Tolerances) -> Comparison | None:
    """A diverged comparison when ``other``, which was given other weights, came out as ``first`` did."""
    if not other.execution.succeeded:
        return None  # it missed them: so it looks at them
    if any(differences(path, artifact, first, other, tolerances) for path, artifact in expected.known.items()):
        return None
    path = next(iter(expected.known), "predictions")
    note = "with other weights in the place of the recorded ones they stay the same: they are not computed from them"
    return Comparison(of=f"predictions:{path}", agreement=Agreement.DIVERGED, note=note)
