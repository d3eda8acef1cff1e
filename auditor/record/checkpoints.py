"""Commits a run to its checkpoints: a list of leaves beside the manifest, and their Merkle root in it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import msgspec

from auditor import digest
from auditor.commitment import trace
from auditor.commitment.leaves import Leaves, gather
from auditor.errors import AuditorError
from auditor.manifest.shown import clean
from auditor.model.run import Checkpoints, FileRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """The leaves of a run, the steps between two of them, and the trace beside the checkpoints."""

    leaves: Leaves
    interval: int | None
    trace: FileRef

    @property
    def text(self) -> bytes:
        """The file of leaves."""
        return msgspec.json.format(msgspec.json.encode(self.leaves), indent=1) + b"\n"

    def claim(self, path: str) -> Checkpoints:
        """What the manifest says of them; ``path`` is that of the file of leaves."""
        return Checkpoints(
            root=self.leaves.root,
            interval=self.interval,
            count=len(self.leaves.leaves),
            leaves=FileRef(path=path, digest=digest.of_bytes(self.text)),
            trace=self.trace,
        )


def commit(root: Path, folder: str) -> tuple[Committed | None, str | None]:
    """The commitment to the checkpoints that a command left in ``folder``, or the reason why there is none."""
    try:
        leaves, lines = gather(root, folder)
    except (AuditorError, OSError) as error:
        words = error.message if isinstance(error, AuditorError) else str(error.strerror)
        return None, f"no checkpoint of {clean(folder)} is recorded: {clean(words)}"
    steps = [leaf.step for leaf in leaves.leaves]
    del lines
    path = f"{folder}/{trace.NAME}"
    return Committed(
        leaves=leaves,
        interval=max((after - before for before, after in pairwise(steps)), default=None),
        trace=FileRef(path=path, digest=digest.of_file(root / path)[0]),
    ), None
