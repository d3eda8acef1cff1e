"""Turns everything that was gathered about a run into its manifest, and writes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Literal

from auditor import __version__, redact
from auditor.model.run import (
    Code,
    FileRef,
    Json,
    Lineage,
    Observed,
    Randomness,
    Reproduction,
    Run,
    RunInfo,
)
from auditor.record import assemble, code, seeds
from auditor.record.observe import Seen
from auditor.record.outputs import Written
from auditor.record.prepare import Prepared
from auditor.record.process import Ended
from auditor.record.reads import Inputs

_LARGEST_IN_PATCH: Final = 10 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One run, finished in whatever way."""

    prepared: Prepared
    ended: Ended
    seen: Seen
    inputs: Inputs
    written: Written
    reproductions: tuple[Reproduction, ...]
    status: Literal["succeeded", "failed", "interrupted"]


def write_manifest(record: Record) -> str:
    """Path of the manifest, relative to the root, after it was written."""
    prepared = record.prepared
    request = prepared.request
    run_id, path = assemble.place(request, prepared.root, record.ended.started)
    configuration, hidden = prepared.effective.claim() if prepared.effective.layers else (None, [])
    variables = prepared.environment.variables if prepared.environment else {}
    run = Run(
        schema="auditor/run-manifest/v1",
        run=RunInfo(
            id=run_id,
            status=record.status,
            started=assemble.moment(record.ended.started),
            finished=assemble.moment(record.ended.finished),
            author=prepared.source.author,
            supersedes=request.supersedes,
        ),
        code=_code(record, _patch(record, run_id, path)),
        environment=prepared.environment,
        configuration=configuration,
        randomness=Randomness(seeds=prepared.seeds, flags=seeds.flags(variables)),
        data=tuple(prepared.data),
        artifacts=tuple(record.written.artifacts),
        metrics=tuple(record.written.metrics),
        reproductions=record.reproductions,
        observed=_observed(record),
        lineage=Lineage(parents=request.parents) if request.parents else None,
        unavailable=_unavailable(record),
        extensions={"auditor": _extensions(record, hidden)},
    )
    assemble.store(assemble.to_value(run), prepared.root / path)
    return path


def _code(record: Record, patch: FileRef | None) -> Code:
    source = record.prepared.source
    return Code(
        repository=source.remote,
        commit=source.commit,
        tree=source.tree,
        submodules=source.submodules,
        dirty=bool(source.changed or record.inputs.untracked),
        patch=patch,
        entrypoint=tuple(redact.argv(record.prepared.request.command)),
    )


def _patch(record: Record, run_id: str, manifest: str) -> FileRef | None:
    prepared = record.prepared
    if not prepared.request.allow_dirty:
        return None
    small = [p for p in record.inputs.untracked if (prepared.root / p).stat().st_size <= _LARGEST_IN_PATCH]
    content = prepared.patch + code.patch(prepared.repository, prepared.source.commit, untracked=small)[0]
    if not content:
        return None
    folder = prepared.root / PurePosixPath(manifest).parent
    return assemble.store_patch(content, run_id, folder, prepared.root)


def _observed(record: Record) -> Observed:
    if not record.seen.processes:
        return Observed(method="none")
    return Observed(reads=record.inputs.reads, ignored=record.seen.prefixes, method="audit-hook")


def _unavailable(record: Record) -> dict[str, str]:
    reasons = record.prepared.unavailable | record.written.unavailable
    if record.prepared.source.remote is None:
        reasons["/code/repository"] = "there is no remote called origin"
    for index, item in enumerate(record.prepared.data):
        about = record.prepared.measured[item.path or item.mount or ""]
        if about.uncounted is not None:
            reasons[f"/data/{index}/records"] = about.uncounted
    return reasons


def _extensions(record: Record, hidden: list[str]) -> dict[str, Json]:
    """What a check may want to know and the manifest has no field for."""
    prepared = record.prepared
    found: dict[str, Json] = {"version": __version__, "exit": record.ended.status}
    if prepared.effective.layers and record.seen.processes:
        found["effective-config-read"] = record.seen.watched
    optional: dict[str, Json] = {
        "redacted": [f"/configuration/effective{pointer}" for pointer in hidden],
        "assumed-interpreter": prepared.interpreter.assumed,
        "missing-outputs": record.written.missing,
        "undeclared-inputs": list(record.inputs.undeclared),
    }
    return found | {name: value for name, value in optional.items() if value}
