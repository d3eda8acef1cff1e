"""Reads what a run claims of its checkpoints, and holds every byte of it against the root in the manifest."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from auditor.commitment import trace
from auditor.commitment.checkpoint import PARTS, Checkpoint, read_checkpoint
from auditor.commitment.leaves import Leaf, Leaves, read_leaves
from auditor.commitment.trace import Line, read_trace
from auditor.errors import AuditorError, UndecidableError
from auditor.model.run import Artifact, Checkpoints, FileRef, Run
from auditor.model.words import Exit
from auditor.reproduce.request import Fetch


class BrokenError(AuditorError):
    """What a run claims contradicts what it committed itself to."""

    exit = Exit.BLOCKED


class Claimed:
    """The leaves and the trace of a run, which fit its root. Segment ``i`` leads from leaf ``i`` to leaf ``i + 1``."""

    def __init__(self, leaves: Leaves, lines: Sequence[Line], fetch: Fetch) -> None:
        self.leaves = leaves.leaves
        self.root = leaves.root
        self.lines = lines
        self._fetch = fetch
        self.checkpoint = lru_cache(maxsize=4)(self._checkpoint)
        """The claimed state at a leaf; see :meth:`_checkpoint`."""

    @property
    def segments(self) -> int:
        """How many segments there are."""
        return len(self.leaves) - 1

    def file(self, index: int) -> Path:
        """The file of the checkpoint at leaf ``index``, by its digest.

        Raises:
            UndecidableError: it was found nowhere.
        """
        leaf = self.leaves[index]
        found = self._fetch(Artifact(name=leaf.path, role="checkpoint", path=leaf.path, digest=leaf.digest))
        if found is None:
            raise UndecidableError(
                f"the checkpoint of step {leaf.step} is missing: no file with its digest was found at {leaf.path}",
                hint="keep checkpoints where they were written, or in a store that the policy names",
            )
        return found

    def steps(self, index: int) -> Sequence[Line]:
        """The lines of the steps of segment ``index``."""
        return trace.between(self.lines, self.leaves[index].step, self.leaves[index + 1].step)

    def _checkpoint(self, index: int) -> Checkpoint:
        """The claimed state at leaf ``index``.

        Raises:
            UndecidableError: its file was found nowhere.
            Refused: it cannot be read safely.
            BrokenError: it is not the state that the leaf commits to, or holds a number that is not finite.
        """
        leaf = self.leaves[index]
        checkpoint = read_checkpoint(self.file(index))
        _require_leaf(checkpoint, leaf)
        for name, array in checkpoint.weights.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise BrokenError(f"the checkpoint of step {leaf.step} holds a number that is not finite in {name}")
        return checkpoint


def read_claims(run: Run, fetch: Fetch) -> Claimed:
    """The commitment of ``run`` with its leaves and trace.

    Raises:
        UndecidableError: the run has none, or its files were found nowhere.
        Refused: a file cannot be read safely.
        BrokenError: leaves, count and trace do not fit the root.
    """
    claim = run.checkpoints
    if claim is None or claim.root is None or claim.leaves is None or claim.trace is None:
        raise UndecidableError(
            "the run has no checkpoints to replay from",
            hint="write them with auditor.steps and record with --checkpoints DIR; a model of boosted trees needs none",
        )
    leaves = committed_leaves(claim, fetch)
    lines = read_trace(_file(claim.trace, "the trace", fetch))
    before = 0
    for leaf in leaves.leaves:
        part = trace.between(lines, before, leaf.step)
        found = (trace.batches(part), trace.hyperparameters(part), trace.metrics(part))
        if found != (leaf.batches, leaf.hyperparameters, leaf.metrics):
            raise BrokenError(f"the trace of the steps {before + 1} to {leaf.step} is not the one that the leaf commits to")
        before = leaf.step
    return Claimed(leaves, lines, fetch)


def committed_leaves(claim: Checkpoints, fetch: Fetch) -> Leaves:
    """The leaves of a commitment, which lead to its root.

    Raises:
        UndecidableError: their file was found nowhere.
        Refused: it cannot be read safely.
        BrokenError: they lead to another root, or are not as many as claimed.
    """
    if claim.leaves is None:
        raise UndecidableError("the manifest does not say where the list of leaves is")
    leaves = read_leaves(_file(claim.leaves, "the list of leaves", fetch))
    _require_root(leaves, claim)
    return leaves


def _require_root(leaves: Leaves, claim: Checkpoints) -> None:
    if leaves.root != claim.root:
        raise BrokenError(
            f"the leaves have the Merkle root {leaves.root[:19]}…, the manifest claims {str(claim.root)[:19]}…"
        )
    if claim.count is not None and claim.count != len(leaves.leaves):
        raise BrokenError(f"there are {len(leaves.leaves)} leaves, the manifest claims {claim.count}")


def _require_leaf(checkpoint: Checkpoint, leaf: Leaf) -> None:
    if checkpoint.step != leaf.step:
        raise BrokenError(f"the checkpoint of step {leaf.step} says that it is of step {checkpoint.step}")
    for part in PARTS:
        if checkpoint.digest(part) != getattr(leaf, part):
            raise BrokenError(f"the {part} of step {leaf.step} are not those that the leaf commits to")


def _file(reference: FileRef, what: str, fetch: Fetch) -> Path:
    found = fetch(Artifact(name=reference.path, path=reference.path, digest=reference.digest))
    if found is None or reference.digest is None:
        raise UndecidableError(f"{what} ({reference.path}) was found nowhere with the digest that the manifest names")
    return found
