"""Turns everything that was gathered about a run into its manifest, and writes it."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final, Literal

import msgspec

from auditor import __version__, digest, redact
from auditor.errors import UsageError
from auditor.manifest.write import write
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
    Stage,
)
from auditor.record import assemble, code, packages, seeds, stages
from auditor.record.checkpoints import Committed
from auditor.record.code import is_below
from auditor.record.merge import merged
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
    flags: dict[str, Json] = field(default_factory=dict)
    notes: dict[str, Json] = field(default_factory=dict)
    committed: Committed | None = None


def write_manifest(record: Record) -> str:
    """Path of the manifest, relative to the root, after it was written: whole, and over no other run's."""
    if record.prepared.request.stage is not None:
        return _write_stage(record)
    for run_id, path in assemble.place(record.prepared.request, record.prepared.root, record.ended.started):
        if _store(record, run_id, path):
            return path
    raise UsageError("there are ten thousand manifests of this name", hint="choose another --name")


def compose(record: Record, run_id: str, patch: FileRef | None = None) -> Run:
    """All that was gathered, as the claims of one run."""
    prepared = record.prepared
    request = prepared.request
    configuration, hidden = prepared.effective.claim() if prepared.effective.layers else (None, [])
    environment, how = packages.of_run(prepared, record.seen)
    stage = request.stage
    artifacts = record.written.artifacts
    return Run(
        schema="auditor/run-manifest/v1",
        run=RunInfo(
            id=run_id,
            status=record.status,
            started=assemble.moment(record.ended.started),
            finished=assemble.moment(record.ended.finished),
            author=prepared.source.author,
            supersedes=request.supersedes,
        ),
        code=_code(record, patch),
        environment=environment,
        configuration=configuration,
        randomness=Randomness(
            seeds=prepared.seeds, flags=seeds.flags(environment.variables if environment else {}) | record.flags
        ),
        data=tuple(prepared.data),
        stages=(_stage(record, stage),) if stage is not None else (),
        artifacts=tuple(msgspec.structs.replace(a, stage=stage) for a in artifacts) if stage else tuple(artifacts),
        metrics=tuple(record.written.metrics),
        reproductions=record.reproductions,
        observed=_observed(record),
        lineage=Lineage(parents=request.parents) if request.parents else None,
        unavailable=_unavailable(record),
        extensions={"auditor": _extensions(record, hidden) | ({"packages": how} if how else {})},
    )


def _store(record: Record, run_id: str, path: str) -> bool:
    root, content = record.prepared.root, _patch(record)
    patch = None
    beside = PurePosixPath(path).parent / f"{run_id}.patch"
    if content:
        if not assemble.store_patch(content, root / beside):
            return False
        patch = FileRef(path=str(beside), digest=digest.of_bytes(content))
    run = compose(record, run_id, patch)
    listed = PurePosixPath(path).parent / f"{run_id}.leaves.json"
    if record.committed is not None:
        if not assemble.store_patch(record.committed.text, root / listed):
            return False
        run = msgspec.structs.replace(run, checkpoints=record.committed.claim(str(listed)))
    if assemble.store_new(assemble.text_of(assemble.to_value(run), path), root / path):
        return True
    for written, is_ours in ((beside, bool(content)), (listed, record.committed is not None)):
        if is_ours:
            (root / written).unlink(missing_ok=True)
    return False


def _write_stage(record: Record) -> str:
    prepared = record.prepared
    root, path = prepared.root, str(prepared.request.manifest)
    run_id = PurePosixPath(path).name.rpartition(".run.")[0] or "run"
    with _alone(prepared.repository.common_dir, path):
        # Read again: another stage may have been added while this one ran.
        earlier = stages.load(prepared.request, root)
        later = compose(record, run_id)
        if earlier is None:
            assemble.store_new(assemble.text_of(assemble.to_value(later), path), root / path)
            return path
        whole = merged(earlier, later)
        write(root / path, assemble.text_of(assemble.to_value(whole), path))
    return path


@contextlib.contextmanager
def _alone(folder: Path, path: str) -> Iterator[None]:
    """While in here, no other recorder of this repository adds a stage to the manifest at ``path``."""
    place = folder / "auditor" / "locks"
    place.mkdir(parents=True, exist_ok=True)
    name = digest.of_bytes(path.encode()).removeprefix("sha256:")[:16]
    with (place / name).open("wb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _stage(record: Record, name: str) -> Stage:
    """This command as a stage: what it was given, in words of the manifest (names of data, paths of files)."""
    prepared = record.prepared
    read = {reference.path for reference in record.inputs.reads}
    made = [path for path in prepared.written_before if path in read or any(is_below(p, [path]) for p in read)]
    inputs = [
        *(item.path or item.name for item in prepared.data),
        *(file.path for file in prepared.effective.files),
        *made,
    ]
    value, _ = redact.value(prepared.effective.value)
    return Stage(
        name=name,
        command=tuple(redact.argv(prepared.request.command)),
        inputs=tuple(dict.fromkeys(inputs)),
        outputs=tuple(a.path for a in record.written.artifacts if a.path),
        parameters=value if isinstance(value, dict) else {},
        seeds=tuple(prepared.seeds),
    )


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


def _patch(record: Record) -> bytes:
    prepared = record.prepared
    if not prepared.request.allow_dirty:
        return b""
    return prepared.patch + untracked_patch(prepared, record.inputs.untracked)[0]


def untracked_patch(prepared: Prepared, untracked: Sequence[str]) -> tuple[bytes, bool]:
    """The files beside the tree that the command read, as a patch, and whether a credential was removed from it."""
    small = []
    for path in untracked:
        with contextlib.suppress(OSError):  # gone again: the command removed it
            if (prepared.root / path).stat().st_size <= _LARGEST_IN_PATCH:
                small.append(path)
    return code.patch(prepared.repository, prepared.source.commit, untracked=small)


def _observed(record: Record) -> Observed:
    if not record.seen.processes:
        return Observed(method="none")
    covered = [s.path for s in record.prepared.source.submodules if record.prepared.source.within]
    prefixes = (*record.seen.prefixes, *covered)
    return Observed(reads=record.inputs.reads, ignored=prefixes, method=record.seen.method)


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
        single = prepared.request.stage is not None and prepared.effective.layers < 2
        found["effective-config-read"] = record.seen.watched or single
    optional: dict[str, Json] = {
        "redacted": [f"/configuration/effective{pointer}" for pointer in hidden],
        "assumed-interpreter": prepared.interpreter.assumed,
        "missing-outputs": record.written.missing,
        "undeclared-inputs": list(record.inputs.undeclared),
    }
    return found | record.notes | {name: value for name, value in optional.items() if value}
