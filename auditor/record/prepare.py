"""Gathers everything that must be known before the command starts; refuses whatever would make the record worthless."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from auditor import redact
from auditor.environment import Interpreter, examine, executable, resolve
from auditor.errors import UndecidableError, UsageError
from auditor.git import Repository
from auditor.manifest.shown import clean
from auditor.model.run import DataColumns, DataSource, Environment, Json, Lock, Run, Seed
from auditor.record import assemble, code, configuration, outputs, seeds, smoke, stages
from auditor.record.configuration import Effective
from auditor.record.data import Measured, measure
from auditor.record.request import DataItem, OutItem, Request, inside
from auditor.record.sources import columns_of

_LOCKS: Final = {"uv.lock": "uv", "poetry.lock": "poetry", "conda-lock.yml": "conda", "conda-lock.yaml": "conda"}
_SHOWN: Final = 5


@dataclass(slots=True, kw_only=True)
class Prepared:
    """The state of the world before the run.

    ``folders`` is where the interpreter finds modules; ``earlier`` the manifest that this stage is added to, with all paths
    that its stages wrote in ``written_before``. ``notes`` are sentences for people; ``unavailable`` goes into the manifest.
    """

    root: Path
    request: Request
    repository: Repository
    source: code.Source
    patch: bytes
    effective: Effective
    scale: dict[str, Json] | None
    data: list[DataSource]
    measured: dict[str, Measured]
    seeds: dict[str, Seed]
    environment: Environment | None
    interpreter: Interpreter
    before: dict[str, outputs.State]
    inputs_before: dict[str, outputs.State]
    folders: tuple[str, ...] = ()
    earlier: Run | None = None
    notes: list[str] = field(default_factory=list)
    unavailable: dict[str, str] = field(default_factory=dict)

    @property
    def written_before(self) -> dict[str, str | None]:
        """What earlier stages wrote: digests by path."""
        return {a.path: a.digest for a in self.earlier.artifacts if a.path} if self.earlier else {}

    @property
    def has_accelerator(self) -> bool:
        """Whether the run could have used an accelerator."""
        devices = self.environment.hardware.get("accelerators") if self.environment else None
        hidden = self.environment is not None and self.environment.variables.get("CUDA_VISIBLE_DEVICES") in {"", "-1"}
        return bool(devices) and not hidden


def prepare(request: Request, repository: Repository, root: Path, variables: Mapping[str, str]) -> Prepared:
    """Looks at code, configuration, data, environment and declared outputs, in this order.

    Raises:
        UsageError: what was asked for does not fit what is there; nothing was started or written.
    """
    assemble.check_command(request.command)
    if executable(request.command[0], variables, root) is None:
        raise UsageError(f"{clean(request.command[0])}: no such command", hint="nothing was started, nothing was written")
    request = _normalised(request, root)
    earlier = stages.load(request, root)
    source = code.inspect(
        repository, [*request.outputs, *(a.path for a in (earlier.artifacts if earlier else ()) if a.path)]
    )
    patch, notes = _dirt(repository, source, request)
    effective = configuration.resolve(request.configs, request.overrides, root)
    scale = smoke.parse_scale(request.smoke, effective) if request.smoke is not None else None
    data, measured = _data(request, root)
    interpreter = resolve(request.command, variables, root)
    if interpreter.assumed:
        notes.append(f"the environment may be another one: {interpreter.assumed}")
    prepared = Prepared(
        root=root,
        request=request,
        repository=repository,
        source=source,
        patch=patch,
        effective=effective,
        scale=scale,
        data=data,
        measured=measured,
        seeds=seeds.find(effective.value, request.command, variables, request.seeds),
        environment=None,
        interpreter=interpreter,
        before={path: outputs.state(root / path) for path in request.outputs},
        inputs_before={
            path: outputs.state(root / path)
            for path in (
                *(item.path for item in request.data),
                *(artifact.path for artifact in (earlier.artifacts if earlier else ()) if artifact.path),
                *request.configs,
                *([request.lock] if request.lock else []),
            )
        },
        notes=notes,
        earlier=earlier,
    )
    _capture(prepared, variables)
    if earlier is not None:
        stages.check(
            earlier,
            stages.Addition(
                request=request,
                tree=source.tree,
                environment=prepared.environment,
                configuration=effective.claim()[0],
                seeds=prepared.seeds,
                data=data,
            ),
        )
    return prepared


def _normalised(request: Request, root: Path) -> Request:
    """Every path as the manifest writes it. A labels file that is there already is data, else an output."""
    outs = [dataclasses.replace(o, path=inside(o.path, root, "--out")) for o in request.outs]
    data = [dataclasses.replace(d, path=_data_path(d, root)) for d in request.data]
    if request.labels is not None:
        labels = inside(request.labels, root, "--labels")
        declared = {o.path for o in outs} | {d.path for d in data}
        if labels not in declared and (root / labels).exists():
            data.append(DataItem(name="labels", role="labels", path=labels))
        elif labels not in declared:
            outs.append(OutItem(path=labels, role="labels"))
    names = [d.name for d in data]
    if twice := next((n for n in names if names.count(n) > 1), None):
        raise UsageError(f"--data: the name {twice!r} is given twice")
    if both := next((d.path for d in data if any(d.path == o.path for o in outs)), None):
        raise UsageError(f"{both} is declared as data and as output: a run that overwrites its input cannot be repeated")
    metrics = inside(request.metrics, root, "--metrics") if request.metrics is not None else None
    return dataclasses.replace(
        request,
        manifest=assemble.check_place(request, root),
        outs=tuple(outs),
        data=tuple(data),
        metrics=metrics,
        configs=tuple(inside(c, root, "--config") for c in request.configs),
        lock=inside(request.lock, root, "--lock") if request.lock is not None else None,
        checkpoints=inside(request.checkpoints, root, "--checkpoints") if request.checkpoints is not None else None,
    )


def _data_path(item: DataItem, root: Path) -> str:
    path = Path(item.path)
    if path.is_absolute() and not path.is_relative_to(root):
        return item.path
    return inside(item.path, root, "--data")


def _dirt(repository: Repository, source: code.Source, request: Request) -> tuple[bytes, list[str]]:
    if not source.changed:
        return b"", []
    listed = ", ".join(clean(path) for path in source.changed[:_SHOWN])
    more = len(source.changed) - _SHOWN
    names = f"{listed} and {more} more" if more > 0 else listed
    if not request.allow_dirty:
        raise UsageError(
            f"uncommitted changes: {names}",
            hint="commit them, declare them with --out, or record them as a patch with --allow-dirty",
        )
    patch, redacted = code.patch(repository, source.commit, changed=source.changed)
    notes = [f"recorded with uncommitted changes: {names}"]
    return patch, notes + (["a credential was removed from the patch"] if redacted else [])


def _data(request: Request, root: Path) -> tuple[list[DataSource], dict[str, Measured]]:
    found, measured = [], {}
    for item in request.data:
        about = measure(root / item.path, name=f"--data {clean(item.path)}")
        measured[item.path] = about
        columns = DataColumns(id=columns_of(about.columns, "id"), label=columns_of(about.columns, "label"))
        is_outside = Path(item.path).is_absolute()
        found.append(
            DataSource(
                name=item.name,
                role=item.role,
                path=None if is_outside else item.path,
                uri=Path(item.path).as_uri() if is_outside else None,
                mount=item.path if is_outside else None,
                format=about.format,
                digest=about.digest,
                size=about.size,
                records=about.records,
                columns=columns if columns != DataColumns() else None,
                supersedes=item.replaces,
            )
        )
    return found, measured


def _capture(prepared: Prepared, variables: Mapping[str, str]) -> None:
    try:
        captured = examine(prepared.interpreter.path, variables)
    except UndecidableError as error:
        prepared.unavailable["/environment"] = error.message
        prepared.notes.append(f"the environment is not recorded: {error.message}")
        return
    found, lock = captured.environment, prepared.request.lock
    prepared.folders = captured.folders
    prepared.environment = msgspec.structs.replace(
        found,
        variables={name: redact.text(value) for name, value in found.variables.items()},
        lock=_lock(lock, prepared.root) if lock is not None else None,
    )
    if lock is None:
        prepared.unavailable["/environment/lock"] = "no --lock was given"
    if found.container is None and "container" in found.hardware:
        words = f"it ran in a container ({found.hardware['container']}), and nothing told of which image"
        prepared.unavailable["/environment/container"] = f"{words}: set AUDITOR_IMAGE=NAME@sha256:DIGEST"


def _lock(path: str, root: Path) -> Lock:
    name = path.rpartition("/")[2]
    is_pylock = name.startswith("pylock") and name.endswith(".toml")
    kind = _LOCKS.get(name) or ("pylock" if is_pylock else "requirements" if name.endswith((".txt", ".lock")) else None)
    return Lock(path=path, digest=measure(root / path, name=f"--lock {path}").digest, kind=kind)
