"""Makes a manifest of a run that has ended: collects its outputs, ties its metrics, gives it a smoke reproduction."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from auditor import redact
from auditor.errors import UsageError
from auditor.manifest.shown import clean
from auditor.model.run import Json, Reproduction
from auditor.record import checkpoints, evaluation, reported, smoke, sources
from auditor.record.observe import Seen
from auditor.record.outputs import Written, collect, state
from auditor.record.prepare import Prepared
from auditor.record.process import Ended
from auditor.record.reads import Inputs
from auditor.record.request import Request, inside
from auditor.record.write import Record, untracked_patch, write_manifest

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """What was seen of a command from its start to its end, and what it reported about itself."""

    ended: Ended
    seen: Seen
    inputs: Inputs
    reported: reported.Reported
    flags: dict[str, Json] = field(default_factory=dict)
    notes: dict[str, Json] = field(default_factory=dict)


def finish(prepared: Prepared, happened: Happened, say: Say, variables: Mapping[str, str]) -> str:
    """Collects what came out, gives the run its smoke reproduction, and writes the manifest, whose path it returns.

    Args:
        prepared: the world before the run.
        happened: the run.
        say: takes warnings, and the path last.
        variables: the environment in which a scaled run is executed.
    """
    ended, seen, inputs = happened.ended, happened.seen, happened.inputs
    # 4. What it wrote, and what can be made of it.
    prepared.request = _with_file(prepared, happened.reported)
    request = prepared.request
    written = collect(prepared.root, request.outs, request.metrics, prepared.before)
    reported.add(written, happened.reported)
    changed = _changed_inputs(prepared)
    warnings = [*written.problems, *_tie_metrics(prepared, written), *inputs.warnings, *_named(changed)]
    warnings += [*_unapplied(prepared, seen), *_taken(prepared, written), *_secrets(prepared, inputs)]
    committed = None
    if request.checkpoints is not None:
        committed, why_not = checkpoints.commit(prepared.root, request.checkpoints)
        warnings += [why_not] if why_not else []
    # 5. The smoke reproduction.
    reproductions: tuple[Reproduction, ...] = ()
    if ended.status == 0 and not ended.interrupted:
        setting = _setting(prepared, happened, variables)
        reproduction, why_not = _smoke(prepared, written, happened, changed, setting)
        evaluated, note = _evaluation(prepared, written, happened, setting)
        reproductions = tuple(one for one in (evaluated, reproduction) if one is not None)
        warnings += [words for words in (why_not, note) if words]
    for warning in warnings:
        say(f"auditor: warning: {warning}")
    # 6. The manifest: the last line tells where it is.
    outcome = Record(
        prepared=prepared,
        ended=ended,
        seen=seen,
        inputs=inputs,
        written=written,
        reproductions=reproductions,
        status=status_of(ended),
        flags=happened.flags,
        notes=happened.notes,
        committed=committed,
    )
    path = write_manifest(outcome)
    say(clean(path))
    return path


def header(prepared: Prepared) -> str:
    """One line about what is recorded."""
    shown = clean(shlex.join(redact.argv(prepared.request.command)))
    state_ = "with uncommitted changes" if prepared.source.changed else "clean"
    return f"recording {shown} (commit {prepared.source.commit[:12]}, {state_})"


def status_of(ended: Ended) -> Literal["succeeded", "failed", "interrupted"]:
    """How the run ended, in the manifest's words."""
    if ended.interrupted:
        return "interrupted"
    return "failed" if ended.status else "succeeded"


def prefix_of(prepared: Prepared) -> str | None:
    """The folder that the command's interpreter lives in."""
    path = prepared.interpreter.path
    return str(Path(path).parent.parent) if path else None


def _with_file(prepared: Prepared, told: reported.Reported) -> Request:
    """The request with the metrics file that the command named itself, where no other was declared."""
    request = prepared.request
    if request.metrics is not None or told.file is None:
        return request
    try:
        return dataclasses.replace(request, metrics=inside(told.file, prepared.root, "metrics"))
    except UsageError:
        return request


def _tie_metrics(prepared: Prepared, written: Written) -> list[str]:
    """Fills in what each metric can be recomputed from; what it says about contradictions."""
    tables = [a.path for a in written.artifacts if a.role == "predictions" and a.path]
    if not tables or not written.metrics:
        return []
    predictions = sources.TableFile(path=tables[0], columns=written.measured[tables[0]].columns)
    labels = [a.path for a in written.artifacts if a.role == "labels" and a.path]
    found = [sources.TableFile(path=path, columns=written.measured[path].columns) for path in labels]
    for role in ("labels", "test"):
        items = (d for d in prepared.data if d.role == role and d.path)
        found += [sources.TableFile(path=str(d.path), columns=prepared.measured[str(d.path)].columns) for d in items]
    written.metrics, warnings = sources.attach(written.metrics, predictions, found, prepared.root)
    return warnings


def _changed_inputs(prepared: Prepared) -> list[str]:
    return [path for path, before in prepared.inputs_before.items() if state(prepared.root / path) != before]


def _named(changed: Sequence[str]) -> list[str]:
    return [f"the command changed its input {clean(path)}; the manifest names the bytes from before" for path in changed]


def _unapplied(prepared: Prepared, seen: Seen) -> list[str]:
    if prepared.effective.layers < 2 or seen.watched or not seen.processes:
        return []
    words = "the effective configuration was never opened: values of --set and of all but one --config file had no effect"
    return [f"{words}; let the command read the file named by AUDITOR_CONFIG, or write {{config}} into COMMAND"]


def _taken(prepared: Prepared, written: Written) -> list[str]:
    """Leaves out figures whose names an earlier stage has: one manifest gives one value to a name."""
    taken = {metric.name for metric in prepared.earlier.metrics} if prepared.earlier else set()
    twice = [metric.name for metric in written.metrics if metric.name in taken]
    if not twice:
        return []
    written.metrics = [metric for metric in written.metrics if metric.name not in taken]
    return [f"metric {name} is not claimed: an earlier stage has a metric of this name" for name in twice]


def _secrets(prepared: Prepared, inputs: Inputs) -> list[str]:
    if not prepared.request.allow_dirty or not untracked_patch(prepared, inputs.untracked)[1]:
        return []
    return ["a credential was removed from the patch of a file that is not committed: the patch is not what ran"]


def _setting(prepared: Prepared, happened: Happened, variables: Mapping[str, str]) -> smoke.Setting:
    request = prepared.request
    read = {reference.path for reference in happened.inputs.reads}
    return smoke.Setting(
        root=prepared.root,
        files=[*(p for p, e in prepared.source.tracked.items() if e.kind == "blob"), *happened.inputs.untracked],
        request=request,
        effective=prepared.effective,
        argv=request.command,
        shown=redact.argv(request.command),
        variables=variables,
        inputs=[*(d.path or d.name for d in prepared.data), *(p for p in prepared.written_before if p in read)],
        name=f"smoke-{request.stage}" if request.stage is not None else "smoke",
    )


def _evaluation(
    prepared: Prepared, written: Written, happened: Happened, setting: smoke.Setting
) -> tuple[Reproduction | None, str | None]:
    words = prepared.request.evaluate
    if words is None:
        return None, None
    return evaluation.evaluation(words, setting, written, happened.ended.seconds, accelerator=prepared.has_accelerator)


def _smoke(
    prepared: Prepared, written: Written, happened: Happened, changed: Sequence[str], setting: smoke.Setting
) -> tuple[Reproduction | None, str | None]:
    request, ended = prepared.request, happened.ended
    if prepared.scale is not None and changed:
        return None, f"no scaled run was made: the command changed {clean(changed[0])}, and it would have seen other bytes"
    if prepared.scale is not None:
        found, why_not = smoke.scaled(prepared.scale, setting, ended.seconds, accelerator=prepared.has_accelerator)
    elif ended.seconds <= request.smoke_limit:
        found, why_not = smoke.own(written, ended.seconds, setting, accelerator=prepared.has_accelerator), None
    else:
        words = f"the run took longer than {request.smoke_limit:g} s and has no smoke reproduction"
        return None, f"{words}: add --smoke 'KEY=VALUE ...' with values that shrink it"
    if found is not None and prepared.has_accelerator:
        why_not = "the smoke reproduction may need this machine's accelerator: record it with CUDA_VISIBLE_DEVICES= as well"
    return found, why_not
