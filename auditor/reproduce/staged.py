"""Sees one stage of a run as a run of its own: its command, its inputs, its outputs."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from auditor.model.run import Artifact, Configuration, DataSource, Metric, Reproduction, Run, Stage
from auditor.model.words import Tier
from auditor.reproduce.request import Request

_SPECIAL = frozenset("*?[")


def stage_of(run: Run, reproduction: Reproduction) -> Stage | None:
    """The stage that ``reproduction`` executes; None for a run without stages.

    Several stages may share a command and differ in what they are given: then the outputs tell.
    """
    command = reproduction.command or (run.code.entrypoint if run.code else ())
    found = [stage for stage in run.stages if stage.command == command]
    exact = [stage for stage in found if set(stage.outputs) == set(reproduction.outputs)]
    return next(iter(exact or found), None)


def answered_by(run: Run, reproduction: Reproduction) -> str | None:
    """The stage that ``reproduction`` speaks for: it starts its command, and all that this made is compared or begun."""
    stage = stage_of(run, reproduction)
    if stage is None:
        return None
    whole = set(stage.outputs) == set(reproduction.outputs) or reproduction.tier is Tier.PREFIX
    return stage.name if whole else None


def narrowed(request: Request, reproduction: Reproduction) -> Request:
    """``request`` for the stage alone: what earlier stages wrote is its input, what other stages wrote is not there."""
    run = request.run
    stage = stage_of(run, reproduction)
    if stage is None:
        return request
    given, made = set(stage.inputs), set(stage.outputs)
    others = [a for a in run.artifacts if a.stage != stage.name and a.path not in made]
    data = tuple(d for d in run.data if {d.name, d.path, d.mount} & given)
    named = {d.path for d in data}
    data += tuple(as_data(a) for a in others if a.path in given and a.path not in named)
    hidden = [a.path for a in others if a.path and a.path not in given and not _SPECIAL & set(a.path)]
    seeds = run.randomness.seeds if run.randomness else {}
    view = msgspec.structs.replace(
        run,
        code=msgspec.structs.replace(run.code, entrypoint=stage.command) if run.code else None,
        configuration=_configuration(run, stage),
        randomness=msgspec.structs.replace(run.randomness, seeds={n: s for n, s in seeds.items() if n in stage.seeds})
        if run.randomness
        else None,
        data=data,
        artifacts=tuple(_claiming(a, run) for a in run.artifacts if a.stage == stage.name),
        metrics=_metrics(run, stage, reproduction),
    )
    return replace(request, run=view, manifest_patterns=(*request.manifest_patterns, *hidden))


def _metrics(run: Run, stage: Stage, reproduction: Reproduction) -> tuple[Metric, ...]:
    """The figures of the stage: those that its reproduction recorded, else all where it wrote a file of figures."""
    if reproduction.expect is not None:
        figures = {metric.name for metric in reproduction.expect.metrics}
        return tuple(metric for metric in run.metrics if metric.name in figures)
    wrote = any(artifact.role == "metrics" and artifact.stage == stage.name for artifact in run.artifacts)
    return run.metrics if wrote else ()


def _claiming(artifact: Artifact, run: Run) -> Artifact:
    """A file of no particular role claims nothing, unless another stage goes on from it."""
    goes_on = any(artifact.path in stage.inputs for stage in run.stages if stage.name != artifact.stage)
    return msgspec.structs.replace(artifact, role="checkpoint") if goes_on and artifact.role == "other" else artifact


def _configuration(run: Run, stage: Stage) -> Configuration | None:
    whole = run.configuration
    if whole is None:
        return None
    return msgspec.structs.replace(
        whole,
        files=tuple(file for file in whole.files if file.path in stage.inputs),
        effective=stage.parameters,
        origins={p: o for p, o in whole.origins.items() if _has(stage.parameters, p)},
    )


def _has(value: object, pointer: str) -> bool:
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return True


def as_data(artifact: Artifact) -> DataSource:
    """What one part of a run wrote, as what another is given."""
    return DataSource(
        name=artifact.name,
        path=artifact.path,
        uri=artifact.uri,
        mount=artifact.mount,
        format=artifact.format,
        digest=artifact.digest,
        size=artifact.size,
    )
