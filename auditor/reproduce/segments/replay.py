"""Executes one segment: the recorded command, told by three variables where to start, how far to go and where to write."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from auditor.commitment.checkpoint import LIMIT, SUFFIXES, Checkpoint, read_checkpoint
from auditor.commitment.trace import NAME, Line, read_trace
from auditor.compare.errors import Refused
from auditor.errors import AuditorError, UndecidableError
from auditor.model.run import Reproduction, Run
from auditor.model.words import Tier
from auditor.reproduce.attempt import Attempt, Bench
from auditor.reproduce.diagnose import diagnose
from auditor.reproduce.request import Request
from auditor.reproduce.rig import Live

_MOST_FILES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Where to start (a checkpoint's file, None for the beginning), at which step, and how many steps to do.

    ``weights`` replaces those of the checkpoint: that is how a noise twin starts. ``every`` asks for more checkpoints,
    ``precision`` for computing in another dtype than the run did.
    """

    start: Path | None
    first: int
    steps: int
    weights: Mapping[str, Any] | None = None
    every: int | None = None
    precision: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay came to: the checkpoints that it wrote by step, and its trace, empty where it wrote none."""

    checkpoints: Mapping[int, Checkpoint]
    lines: tuple[Line, ...]
    seconds: float


class NotReplayedError(UndecidableError):
    """The command did not do what the resume protocol asks for; the message says what it did instead."""


def replay(rig: Live, request: Request, folder: str, *stretches: Stretch) -> list[Replayed | AuditorError]:
    """Execute ``stretches`` side by side; ``folder`` is that of the recorded checkpoints, which no replay may see.

    What went wrong with one of them stands in its place.

    Raises:
        UndecidableError: the sandbox cannot be built, or the time is up.
    """
    reproduction = Reproduction(name="segment", tier=Tier.SEGMENT, outputs=(folder,))
    with rig.bench(replace(request, recording=None), reproduction) as bench:
        attempts = [_prepared(bench, stretch) for stretch in stretches]
        bench.run(*attempts)
        return [_result(bench, attempt, stretch) for attempt, stretch in zip(attempts, stretches, strict=True)]


def _prepared(bench: Bench, stretch: Stretch) -> Attempt:
    attempt = bench.prepare()
    workspace = attempt.workspace
    variables = {"AUDITOR_STEPS": str(stretch.steps), "AUDITOR_OUT": str(_out(attempt))}
    if stretch.every is not None:
        variables["AUDITOR_EVERY"] = str(stretch.every)
    if stretch.precision is not None:
        variables["AUDITOR_PRECISION"] = stretch.precision
    if stretch.start is not None:
        place = workspace.shown / f"resume{stretch.start.suffix}"
        if stretch.weights is None:
            shutil.copyfile(stretch.start, place)
        else:
            place = _perturbed(stretch.start, stretch.weights, place)
        place.chmod(0o444)
        variables["AUDITOR_RESUME"] = str(place)
    _out(attempt).mkdir()
    attempt.job = replace(attempt.job, variables={**attempt.job.variables, **variables})
    return attempt


def _perturbed(start: Path, weights: Mapping[str, Any], place: Path) -> Path:
    checkpoint = read_checkpoint(start)
    arrays: dict[str, Any] = {"step": np.array(checkpoint.step)}
    for part, held in (("weights", weights), ("optimizer", checkpoint.optimizer), ("rng", checkpoint.rng)):
        arrays |= {f"{part}/{name}": array for name, array in held.items()}
    if place.suffix == ".npz":
        np.savez(place, **arrays)
        return place
    try:
        from safetensors.numpy import save_file  # noqa: PLC0415  (only for runs that use this format)
    except ImportError as error:
        raise UndecidableError(
            "a noise twin of a safetensors checkpoint needs safetensors, which is not installed"
        ) from error
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, place)
    return place


def _out(attempt: Attempt) -> Path:
    return attempt.workspace.scratch / "segment"


def _result(bench: Bench, attempt: Attempt, stretch: Stretch) -> Replayed | AuditorError:
    done = attempt.execution
    run: Run = bench.run_record
    if not done.succeeded:
        why = diagnose(done, run, work=attempt.workspace.root, repository=bench.request.repository.root)
        return UndecidableError(why.note)
    try:
        files = _files(_out(attempt))
        checkpoints = {one.step: one for one in map(read_checkpoint, (f for f in files if f.suffix in SUFFIXES))}
        lines = next((read_trace(file) for file in files if file.name == NAME), ())
    except AuditorError as error:
        return error
    target = stretch.first + stretch.steps
    if target not in checkpoints:
        wrote = f"it wrote those of {sorted(checkpoints)[:4]}" if checkpoints else "it wrote none"
        return NotReplayedError(
            f"the command was asked for the checkpoint of step {target} and ignored that: {wrote}",
            hint="a replayable loop heeds AUDITOR_RESUME, AUDITOR_STEPS and AUDITOR_OUT; auditor.steps does it",
        )
    if stretch.start is not None and any(step < stretch.first for step in checkpoints):
        return NotReplayedError(f"the command ignored AUDITOR_RESUME: it started before step {stretch.first}")
    return Replayed(checkpoints=checkpoints, lines=lines, seconds=done.seconds)


def _files(folder: Path) -> list[Path]:
    """The regular files that a replay left, never through a link.

    Raises:
        Refused: there are too many, or they are too large.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise Refused("the folder for checkpoints is gone")
    found = sorted(folder.iterdir())[: _MOST_FILES + 1]
    kept = [file for file in found if stat.S_ISREG(file.lstat().st_mode)]
    if len(found) > _MOST_FILES or sum(file.lstat().st_size for file in kept) > LIMIT:
        raise Refused("the replay left more or larger files than a segment can need")
    return kept
