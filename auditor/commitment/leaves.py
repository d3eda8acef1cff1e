"""The leaves of a run's commitment: for every checkpoint, digests of all that a replay starts from and must come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec

from auditor import digest
from auditor.commitment import merkle, trace
from auditor.commitment.checkpoint import PARTS, SUFFIXES, read_checkpoint
from auditor.commitment.trace import Line
from auditor.compare.errors import Refused

SCHEMA: Final = "auditor/leaves/v1"
_LIMIT: Final = 256 << 20
_MOST: Final = 1_000_000


class Leaf(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """H(t, weights, optimizer, rng, batches, hyperparameters, metrics): the state after ``step``, and how it was reached.

    ``path`` and ``digest`` say where the checkpoint's file is, which is no part of the commitment: a file may move.
    ``batches``, ``hyperparameters`` and ``metrics`` are of the steps since the leaf before.
    """

    step: int
    path: str
    digest: str
    weights: str
    optimizer: str
    rng: str
    batches: str
    hyperparameters: str
    metrics: str

    def content(self) -> bytes:
        """What the Merkle tree is built over."""
        value = msgspec.to_builtins(self)
        return digest.canonical_bytes({name: part for name, part in value.items() if name not in {"path", "digest"}})


class Leaves(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of leaves."""

    schema: str
    leaves: tuple[Leaf, ...]

    @property
    def root(self) -> str:
        """The Merkle root."""
        return merkle.root([leaf.content() for leaf in self.leaves])


def read_leaves(path: Path) -> Leaves:
    """The leaves in a file.

    Raises:
        Refused: it is no such file, too large, empty, or its steps do not grow.
    """
    if path.stat().st_size > _LIMIT:
        raise Refused(f"a list of leaves has at most {_LIMIT >> 20} MiB")
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Leaves)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused(f"the list of leaves cannot be read: {error}") from None
    if found.schema != SCHEMA:
        raise Refused(f"the list of leaves says schema {found.schema[:40]!r}, known is {SCHEMA}")
    steps = [leaf.step for leaf in found.leaves]
    if not steps or len(steps) > _MOST:
        raise Refused("the list of leaves is empty" if not steps else f"there are more than {_MOST} leaves")
    if steps[0] != 0:
        raise Refused(f"the first leaf is of step {steps[0]}, not of the start")
    if any(one >= other for one, other in pairwise(steps)):
        raise Refused("leaves are repeated or out of order: their steps do not grow")
    return found


def leaf_of(step: int, parts: Mapping[str, str], lines: Sequence[Line], *, path: str, file: str) -> Leaf:
    """The leaf of a checkpoint with ``parts`` (digests) that ``lines`` led to; ``file`` is the digest of its file."""
    return Leaf(
        step=step,
        path=path,
        digest=file,
        weights=parts["weights"],
        optimizer=parts["optimizer"],
        rng=parts["rng"],
        batches=trace.batches(lines),
        hyperparameters=trace.hyperparameters(lines),
        metrics=trace.metrics(lines),
    )


def gather(root: Path, folder: str) -> tuple[Leaves, tuple[Line, ...]]:
    """The leaves of all checkpoints in ``folder`` (relative to ``root``), and the trace that lies beside them.

    Raises:
        Refused: a file cannot be read, two are of one step, the first is not of step 0, or the trace does not cover them.
    """
    place = root / folder
    lines = trace.read_trace(place / trace.NAME)
    names = sorted(p.name for p in place.iterdir() if p.suffix in SUFFIXES) if place.is_dir() else []
    if not names:
        raise Refused("there are no checkpoints (npz or safetensors)")
    found: dict[int, tuple[str, dict[str, str]]] = {}
    for name in names:
        try:
            checkpoint = read_checkpoint(place / name)
        except Refused as error:
            raise Refused(f"{name}: {error.message}") from None
        if checkpoint.step in found:
            raise Refused(f"{name} and {found[checkpoint.step][0]} are both of step {checkpoint.step}")
        found[checkpoint.step] = (name, {part: checkpoint.digest(part) for part in PARTS})
    if 0 not in found:
        raise Refused("the checkpoint of step 0, before any training, is missing")
    leaves, before = [], 0
    for step in sorted(found):
        name, parts = found[step]
        path = f"{folder}/{name}"
        file = digest.of_file(place / name)[0]
        leaves.append(leaf_of(step, parts, trace.between(lines, before, step), path=path, file=file))
        before = step
    return Leaves(schema=SCHEMA, leaves=tuple(leaves)), lines
