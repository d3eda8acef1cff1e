"""Flags a tracked data file that the command read although the manifest does not name it as data.

## Why it matters
The recorded commit pins the file's bytes, so the run can be repeated. But data that the manifest does
not name are not looked at: nobody asks whether they leak, and the seed cannot be told from a fixed
answer by thinning them out.

## How to fix
Name it: `auditor record --data train=data/train.csv --data test=data/test.csv`.

## When it cannot decide
When the recorder did not observe what the command read, or when the recorded code is not in this
clone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from auditor.api import EvidenceLevel, Finding, History, Rule, Run, Severity, undeclared_reads

RULE: Final = Rule(
    id="data/unnamed-input",
    summary="A tracked data file that was read but is not named as data.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)

_DATA = frozenset(
    {".csv", ".tsv", ".json", ".jsonl", ".npy", ".npz", ".parquet", ".feather", ".h5", ".hdf5", ".txt", ".xml"}
    | {".pkl", ".joblib", ".pt", ".safetensors"}
)


def check(run: Run, history: History) -> Iterator[Finding]:
    """Yield the observed reads of files that the commit holds and that look like data."""
    for read in undeclared_reads(run, history):
        if read.tracked and PurePosixPath(read.path).suffix.lower() in _DATA:
            yield Finding(
                message=f"{read.path} was read but is not named as data",
                pointer=f"/observed/reads/{read.index}",
                fix=f"record with --data NAME={read.path}",
            )
