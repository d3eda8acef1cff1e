"""Flags a file that the command read although the manifest does not declare it.

## Why it matters
A run is a function of its declared inputs. A file that slipped in is an input that nobody pins: the
next run may read another one and nobody will see why the result moved.

## How to fix
Declare it: `auditor record --data NAME=PATH` for data, `--config PATH` for configuration; or commit
it, when it is code.

## When it cannot decide
When the recorder did not observe what the command read, or when the recorded code is not in this
clone, so that nobody can tell code from data. Reads by native parsers (HDF5, Arrow) are not visible
to the recorder.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from auditor.api import EvidenceLevel, Finding, History, Inconclusive, Rule, Run, Severity

RULE: Final = Rule(
    id="data/undeclared-input",
    summary="A file that the command read although the manifest does not declare it.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)

_DATA = frozenset(
    {".csv", ".tsv", ".json", ".jsonl", ".npy", ".npz", ".parquet", ".feather", ".h5", ".hdf5", ".txt", ".xml"}
    | {".pkl", ".joblib", ".pt", ".safetensors"}
)


def check(run: Run, history: History) -> Iterator[Finding]:
    """Yield the observed reads that are neither declared, nor written by the run, nor tracked code."""
    observed = run.observed
    if observed is None or observed.method == "none":
        raise Inconclusive("the recorder did not observe which files were read")
    declared = _declared(run)
    folders = tuple(f"{path.rstrip('/')}/" for path in declared)
    source = history.source(run)
    undeclared = [
        (index, read)
        for index, read in enumerate(observed.reads)
        if read.path not in declared and not read.path.startswith(folders)
    ]
    if undeclared and source is None:
        raise Inconclusive("the recorded code is not in this clone, so nothing tells which of the files read are code")
    for index, read in undeclared:
        tracked = source is not None and history.digest_at(source, read.path) is not None
        if tracked and PurePosixPath(read.path).suffix not in _DATA:
            continue
        what = "tracked, but read as data" if tracked else "not in the recorded commit"
        yield Finding(
            message=f"{read.path} was read but is not declared ({what})",
            pointer=f"/observed/reads/{index}",
            fix=f"record with --data NAME={read.path}, or commit it when it is code",
        )


def _declared(run: Run) -> set[str]:
    paths = {data.path for data in run.data} | {artifact.path for artifact in run.artifacts}
    if run.configuration is not None:
        paths |= {file.path for file in run.configuration.files}
    if run.environment is not None and run.environment.lock is not None:
        paths.add(run.environment.lock.path)
    if run.code is not None and run.code.patch is not None:
        paths.add(run.code.patch.path)
    return {path for path in paths if path}
