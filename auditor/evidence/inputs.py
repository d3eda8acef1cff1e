"""Tells which of the files that a command was seen to read are inputs that the manifest does not declare."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.evidence.history import History
from auditor.evidence.unanswered import Inconclusive
from auditor.model.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class UndeclaredRead:
    """An observed read, by its place in ``observed.reads``; ``tracked`` when the executed commit holds the file."""

    index: int
    path: str
    tracked: bool


def undeclared_reads(run: Run, history: History) -> list[UndeclaredRead]:
    """The observed reads that are neither declared nor written by the run, code among them.

    Raises:
        Inconclusive: nothing was observed, or the executed code is not here to tell what it tracks.
    """
    observed = run.observed
    if observed is None or observed.method == "none":
        raise Inconclusive("the recorder did not observe which files were read")
    declared = _declared(run)
    folders = tuple(f"{path.rstrip('/')}/" for path in declared)
    found = [
        (index, read.path)
        for index, read in enumerate(observed.reads)
        if read.path not in declared and not read.path.startswith(folders)
    ]
    source = history.source(run)
    if found and source is None:
        raise Inconclusive("the recorded code is not in this clone, so nothing tells which of the files read are code")
    return [
        UndeclaredRead(index=index, path=path, tracked=source is not None and history.digest_at(source, path) is not None)
        for index, path in found
    ]


def _declared(run: Run) -> set[str]:
    paths = {data.path for data in run.data} | {artifact.path for artifact in run.artifacts}
    if run.configuration is not None:
        paths |= {file.path for file in run.configuration.files}
    if run.environment is not None and run.environment.lock is not None:
        paths.add(run.environment.lock.path)
    if run.code is not None and run.code.patch is not None:
        paths.add(run.code.patch.path)
    return {path for path in paths if path}
