"""Lets several commands share one manifest: what fits an earlier stage, and how a later one is added to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from auditor import digest
from auditor.errors import AuditorError, UsageError
from auditor.manifest.load import to_run
from auditor.manifest.reader import read_file
from auditor.model.run import (
    Configuration,
    DataSource,
    Environment,
    Json,
    Run,
    Seed,
)
from auditor.record.code import is_below
from auditor.record.request import Request, inside

_AFRESH: Final = "record the whole pipeline again into a new --manifest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What is known of a later stage before its command starts."""

    request: Request
    tree: str
    environment: Environment | None
    configuration: Configuration
    seeds: Mapping[str, Seed]
    data: Sequence[DataSource]


def load(request: Request, root: Path) -> Run | None:
    """The manifest that ``request`` adds a stage to; None for its first stage and for a run without stages.

    Raises:
        UsageError: the manifest cannot be read, or is that of a run without stages.
    """
    if request.stage is None or request.manifest is None:
        return None
    path = inside(request.manifest, root, "--manifest")
    if not (root / path).exists():
        return None
    try:
        found = to_run(read_file(root / path, source=path))
    except AuditorError as error:
        raise UsageError(f"--stage cannot be added: {error}", hint=_AFRESH) from error
    if not found.stages:
        raise UsageError(f"{path} is a run without stages, and a run is never edited", hint="choose another --manifest")
    return found


def check(earlier: Run, new: Addition) -> None:
    """Refuses a stage that cannot stand in the same manifest as those recorded before.

    Raises:
        UsageError: it has a name, an output, a seed or a value that is taken; another commit, environment or configuration;
            or an input that is not what the earlier stage wrote.
    """
    names = [stage.name for stage in earlier.stages]
    stage = new.request.stage
    if stage in names:
        raise UsageError(f"--stage {stage}: the manifest has this stage, and a run is never edited", hint=_AFRESH)
    if earlier.run.status != "succeeded":
        raise UsageError(f"stage {names[-1]!r} {earlier.run.status}: nothing can be built on it", hint=_AFRESH)
    if earlier.code is None or earlier.code.tree != new.tree:
        raise UsageError(
            f"stage {names[-1]!r} ran on other committed files than these", hint=f"stages share one commit: {_AFRESH}"
        )
    _check_environment(earlier, new)
    _check_configuration(earlier, new.configuration)
    _check_files(earlier, new)
    seeds = earlier.randomness.seeds if earlier.randomness else {}
    if taken := next((name for name, seed in new.seeds.items() if seeds.get(name, seed) != seed), None):
        raise UsageError(
            f"the seed {taken!r} stands elsewhere, or is another, in an earlier stage", hint="give it another name"
        )


def _check_environment(earlier: Run, new: Addition) -> None:
    before, now = earlier.environment, new.environment
    if before is None or now is None:
        return
    classes = [e.executor.class_ if e.executor else None for e in (before, now)]
    if before.python != now.python or classes[0] != classes[1]:
        raise UsageError(
            "the earlier stages ran in another environment (interpreter, machine, numeric libraries or their variables)",
            hint="stages share one environment; record this one as a run of its own, with --parent DIGEST:derived-from",
        )


def _check_configuration(earlier: Run, new: Configuration) -> None:
    if earlier.configuration is None:
        return
    digests = {file.path: file.digest for file in earlier.configuration.files}
    if other := next((f.path for f in new.files if digests.get(f.path, f.digest) != f.digest), None):
        raise UsageError(f"--config {other} was another file when the earlier stages ran", hint=_AFRESH)
    if clash := _clash(earlier.configuration.effective, new.effective, ""):
        raise UsageError(
            f"an earlier stage has another value at {clash}: one manifest holds one configuration",
            hint="keep the values of the stages apart, under a key for each",
        )


def _clash(one: Json, other: Json, pointer: str) -> str | None:
    """Where two configurations contradict each other."""
    if isinstance(one, dict) and isinstance(other, dict):
        steps = (_clash(one[key], other[key], f"{pointer}/{key}") for key in one if key in other)
        return next((step for step in steps if step), None)
    return None if digest.of_value(one) == digest.of_value(other) else pointer


def _check_files(earlier: Run, new: Addition) -> None:
    written = {a.path: a for a in earlier.artifacts if a.path}
    for path in new.request.outputs:
        if owner := next((a for p, a in written.items() if is_below(path, [p]) or is_below(p, [path])), None):
            raise UsageError(
                f"--out {path}: stage {owner.stage!r} wrote it already", hint="let each stage write its own files"
            )
        if any(path == (d.path or d.mount) for d in earlier.data):
            raise UsageError(f"--out {path} is an input of an earlier stage", hint="let each stage write its own files")
    known = {d.name: d for d in earlier.data}
    for item in new.data:
        artifact = written.get(item.path) if item.path else None
        if artifact is not None and artifact.digest != item.digest:
            raise UsageError(f"{item.path} is not what stage {artifact.stage!r} wrote", hint=_AFRESH)
        if item.name in known and known[item.name] != item:
            raise UsageError(
                f"--data {item.name}: an earlier stage has other data of this name", hint="give it another name"
            )
