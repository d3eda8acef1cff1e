"""Records one run: looks before, starts the command, observes it, collects after, and writes the manifest."""

from __future__ import annotations

import json
import os
import shlex
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from auditor import redact
from auditor.errors import UsageError
from auditor.git import Repository
from auditor.manifest.shown import clean
from auditor.model.run import Reproduction
from auditor.record import smoke, sources
from auditor.record.observe import Observation, Seen
from auditor.record.outputs import Written, collect, state
from auditor.record.prepare import Prepared, prepare
from auditor.record.process import Ended, execute
from auditor.record.reads import Inputs, judge
from auditor.record.request import Request
from auditor.record.write import Record, write_manifest

Say = Callable[[str], None]


def record(request: Request, *, say: Say, directory: Path | None = None) -> int:
    """Runs the command of ``request`` and writes its manifest, whether it succeeds, fails or is interrupted.

    Args:
        request: what to run and what to claim about it.
        say: takes one line for a person at a time; the last one is the path of the manifest.
        directory: where to run, the current directory by default; must be the root of a git repository.

    Returns:
        The command's own exit status, 128 + n when signal n killed it.

    Raises:
        UsageError: the command was not started, and nothing was written.
    """
    # 1. Where we are, and everything that must be known before.
    here = (directory or Path.cwd()).resolve()
    with Repository.discover(here) as repository:
        if repository.root.resolve() != here:
            root = clean(str(repository.root))
            raise UsageError("a run is recorded at the root of its repository", hint=f"cd {shlex.quote(root)}")
        return _record(prepare(request, repository, here, os.environ), say)


def _record(prepared: Prepared, say: Say) -> int:
    request, root = prepared.request, prepared.root
    for note in prepared.notes:
        say(f"auditor: warning: {note}")
    with tempfile.TemporaryDirectory(prefix="auditor-config-") as folder:
        # 2. The effective configuration, outside the tree, with its secrets: only the command sees it.
        effective = Path(folder).resolve() / "config.json"
        effective.write_text(json.dumps(prepared.effective.value), encoding="utf-8")
        variables = {**os.environ, "AUDITOR_CONFIG": str(effective)}
        argv = [word.replace("{config}", str(effective)) for word in request.command]
        # 3. The command, observed.
        with Observation(root, watched=effective) as observation:
            say(f"auditor: {_header(prepared)}")
            ended = execute(argv, observation.environment(variables), root)
            seen = observation.seen(_prefix(prepared))
            inputs = judge(prepared, seen, observation.started)
    say(f"auditor: {_status(ended)} after {ended.seconds:.1f} s, exit status {ended.status}")
    # 4. What it wrote, and what can be made of it.
    written = collect(root, request.outs, request.metrics, prepared.before)
    warnings = [*written.problems, *_tie_metrics(prepared, written), *inputs.warnings, *_changed_inputs(prepared)]
    warnings += _unapplied(prepared, seen)
    # 5. The smoke reproduction.
    reproductions: tuple[Reproduction, ...] = ()
    if ended.status == 0 and not ended.interrupted:
        reproduction, why_not = _smoke(prepared, written, ended, inputs)
        reproductions = (reproduction,) if reproduction else ()
        warnings += [why_not] if why_not else []
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
        status=_status(ended),
    )
    say(clean(write_manifest(outcome)))
    return ended.status


def _header(prepared: Prepared) -> str:
    shown = clean(shlex.join(redact.argv(prepared.request.command)))
    state_ = "with uncommitted changes" if prepared.source.changed else "clean"
    return f"recording {shown} (commit {prepared.source.commit[:12]}, {state_})"


def _status(ended: Ended) -> Literal["succeeded", "failed", "interrupted"]:
    if ended.interrupted:
        return "interrupted"
    return "failed" if ended.status else "succeeded"


def _prefix(prepared: Prepared) -> str | None:
    path = prepared.interpreter.path
    return str(Path(path).parent.parent) if path else None


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
    changed = (path for path, before in prepared.inputs_before.items() if state(prepared.root / path) != before)
    return [f"the command changed its input {clean(path)}; the manifest names the bytes from before" for path in changed]


def _unapplied(prepared: Prepared, seen: Seen) -> list[str]:
    if prepared.effective.layers < 2 or seen.watched or not seen.processes:
        return []
    words = "the effective configuration was never opened: values of --set and of all but one --config file had no effect"
    return [f"{words}; let the command read the file named by AUDITOR_CONFIG, or write {{config}} into COMMAND"]


def _smoke(prepared: Prepared, written: Written, ended: Ended, inputs: Inputs) -> tuple[Reproduction | None, str | None]:
    request = prepared.request
    setting = smoke.Setting(
        root=prepared.root,
        files=[*(p for p, e in prepared.source.tracked.items() if e.kind == "blob"), *inputs.untracked],
        request=request,
        effective=prepared.effective,
        argv=request.command,
        shown=redact.argv(request.command),
        variables=dict(os.environ),
        inputs=[*(d.path or d.name for d in prepared.data)],
    )
    if prepared.scale is not None:
        found, why_not = smoke.scaled(prepared.scale, setting, accelerator=prepared.has_accelerator)
    elif ended.seconds <= request.smoke_limit:
        found, why_not = smoke.own(written, ended.seconds, setting, accelerator=prepared.has_accelerator), None
    else:
        words = f"the run took longer than {request.smoke_limit:g} s and has no smoke reproduction"
        return None, f"{words}: add --smoke 'KEY=VALUE ...' with values that shrink it"
    if found is not None and prepared.has_accelerator:
        why_not = "the smoke reproduction may need this machine's accelerator: record it with CUDA_VISIBLE_DEVICES= as well"
    return found, why_not
