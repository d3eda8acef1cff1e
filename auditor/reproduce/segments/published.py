"""Ties the published weights to the last checkpoint: a challenge about other weights says nothing about these."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from auditor.commitment.checkpoint import Array
from auditor.compare.tensors import TensorFile, open_tensors
from auditor.errors import AuditorError, UndecidableError
from auditor.model.comparison import Comparison
from auditor.model.run import Run
from auditor.model.words import Agreement
from auditor.reproduce.request import Fetch
from auditor.reproduce.segments.claimed import Claimed

_LIMIT = 8 << 30


def published(run: Run, claimed: Claimed, fetch: Fetch) -> list[Comparison]:
    """One comparison for each file of weights: whether every tensor of it is one of the last checkpoint's."""
    found = []
    for artifact in run.artifacts:
        if artifact.role != "weights" or artifact.path is None:
            continue
        of = f"tensor:{artifact.path}#"
        place = fetch(artifact) if artifact.digest else None
        try:
            if place is None:
                found.append(Comparison(of=of, agreement=Agreement.INCONCLUSIVE, note="the published weights are not here"))
                continue
            with open_tensors(place) as file:
                tensors = _read(file)
            last = claimed.checkpoint(claimed.segments).weights
        except (AuditorError, ValueError, TypeError) as error:
            found.append(Comparison(of=of, agreement=Agreement.INCONCLUSIVE, note=str(error)))
            continue
        found.append(_compared(of, tensors, last))
    return found


def _read(file: TensorFile) -> dict[str, Array]:
    if sum(info.nbytes for info in file.tensors.values()) > _LIMIT:
        raise UndecidableError("the published weights are too large to be held against the last checkpoint")
    return {
        name: np.concatenate([*(block.copy() for block in file.blocks(name)), np.zeros(0, dtype=info.dtype)])
        for name, info in file.tensors.items()
    }


def _compared(of: str, tensors: Mapping[str, Any], last: Mapping[str, Array]) -> Comparison:
    missing = _contents(tensors.values()) - _contents(last.values())
    if not missing:
        return Comparison(of=of, agreement=Agreement.BITWISE, note="the published weights are those of the last checkpoint")
    if tensors.keys() & last.keys():
        note = "the published weights are not those of the last checkpoint, though their tensors have the same names"
        return Comparison(of=of, agreement=Agreement.DIVERGED, note=note)
    note = "nothing ties the published weights to the last checkpoint: their tensors have other names and other content"
    return Comparison(of=of, agreement=Agreement.INCONCLUSIVE, note=note)


def _contents(arrays: Iterable[Any]) -> Counter[str]:
    return Counter(
        hashlib.sha256(array.dtype.str.encode() + np.ascontiguousarray(array).tobytes()).hexdigest() for array in arrays
    )
