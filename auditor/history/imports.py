"""Writes manifests of runs from before the auditor: declared where something was recorded, unavailable where not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor import digest
from auditor.errors import EmptySelectionError
from auditor.integrations.mlflow.runs import Tracking
from auditor.manifest.reader import read_file
from auditor.manifest.write import dump, write


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import wrote, and what it found there already."""

    written: tuple[Path, ...]
    known: int


def from_mlflow(address: str, experiments: Sequence[str], output: Path) -> Imported:
    """Write a manifest for every run that ended in the named experiments, or in all, below ``output``.

    A run that was imported before and has not changed is left as it is; one that has changed gets another file, for a
    manifest is never edited.

    Raises:
        UsageError: there is no such experiment.
        UndecidableError: the server cannot be asked.
        EmptySelectionError: there is no run that ended.
    """
    tracking = Tracking(address)
    written, known = [], 0
    for number, experiment in tracking.experiments(experiments):
        for run in tracking.runs(number):
            value = tracking.manifest(run, experiment)
            path, is_known = _place(output, f"{_safe(experiment)}-{run.info.run_id}", digest.of_value(value))
            known += is_known
            if not is_known:
                write(path, dump(value))
                written.append(path)
    if not written and not known:
        raise EmptySelectionError(f"no run that ended is at {address}", hint="name an experiment with --experiment")
    return Imported(written=tuple(written), known=known)


def _place(output: Path, stem: str, wanted: str) -> tuple[Path, bool]:
    """Where the manifest goes, and whether it is there already."""
    path, number = output / f"{stem}.run.yaml", 1
    while path.exists():
        if read_file(path).digest == wanted:
            return path, True
        number += 1
        path = output / f"{stem}-{number}.run.yaml"
    return path, False


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:80] or "experiment"
