"""Replays a run that boosts trees: it has no steps to resume, but every tree of its model can be told apart.

What a library draws for a tree (rows, columns) hangs on all trees before it and is stored nowhere, so that no tree can be
trained alone. The recorded command trains the whole ensemble again instead, which is cheap, and each tree is a segment:
none is left to chance, and the first one that differs is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from auditor import digest
from auditor.commitment import merkle
from auditor.commitment.checkpoint import Array
from auditor.compare.tensors import open_tensors
from auditor.compare.update import GATES
from auditor.errors import AuditorError, UndecidableError
from auditor.model.comparison import Comparison, Tolerance
from auditor.model.run import Artifact, Reproduction
from auditor.model.words import Agreement, Tier
from auditor.reproduce.attempt import Attempt, Bench
from auditor.reproduce.between import rules
from auditor.reproduce.diagnose import diagnose
from auditor.reproduce.request import Fetch, Request
from auditor.reproduce.rig import Live

_GATE: Final = GATES["float64"]
_ROLES: Final = frozenset({"weights", "other"})  # a model in text has no suffix that would tell its role
_AT_ONCE: Final = "other data, labels, parameters or another seed: it shows in the very first tree"
_LATER: Final = "rows or columns drawn otherwise, histograms summed in another order (threads), or an edited model"

Tree = Mapping[str, Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensemble:
    """The trees of a model, first to last; ``artifact`` is its file."""

    artifact: Artifact
    trees: tuple[Tree, ...]

    @property
    def root(self) -> str:
        """The Merkle root over the trees: what the digest of the model's file commits the run to, tree by tree."""
        return merkle.root([_leaf(tree) for tree in self.trees])


def claimed_ensemble(run_artifacts: tuple[Artifact, ...], fetch: Fetch) -> Ensemble | None:
    """The published model of trees; None where the run published none that can be read."""
    for artifact in run_artifacts:
        is_model = artifact.role in _ROLES and artifact.path is not None and artifact.digest is not None
        place = fetch(artifact) if is_model else None
        trees = _trees(place) if place is not None else ()
        if trees:
            return Ensemble(artifact=artifact, trees=trees)
    return None


def _trees(place: Path) -> tuple[Tree, ...]:
    found: dict[int, dict[str, Array]] = {}
    try:
        with open_tensors(place) as file:
            for name, info in file.tensors.items():
                part, _, rest = name.partition("/")
                number, _, key = rest.partition("/")
                if part == "trees" and number.isdecimal():
                    blocks = [*(block.copy() for block in file.blocks(name)), np.zeros(0, info.dtype)]
                    found.setdefault(int(number), {})[key] = np.concatenate(blocks).reshape(info.shape)
    except (AuditorError, TypeError):
        return ()
    return tuple(found[number] for number in sorted(found)) if sorted(found) == list(range(len(found))) else ()


def replay_trees(rig: Live, request: Request, claimed: Ensemble) -> tuple[list[Comparison], str]:
    """One comparison for the trees that agree and one for the first that does not, and what they come to in words.

    Raises:
        AuditorError: the command cannot be executed, or leaves no model of trees.
    """
    path = claimed.artifact.path or ""
    reproduction = Reproduction(name="segment", tier=Tier.SEGMENT, outputs=(path,))
    with rig.bench(replace(request, recording=None), reproduction) as bench:
        ours = _trained(bench, request, path)
        same = rules(request, bench.executor()).same
        place, far = _first(claimed.trees, ours)
        if place is not None and not far <= _GATE.passes and _first(ours, _trained(bench, request, path))[0] is not None:
            words = "two executions here boost different trees: the run is not repeatable, which hides what it claims"
            return [Comparison(of="trees", agreement=Agreement.INCONCLUSIVE, note=words)], ""
    total = len(claimed.trees)
    whole = f"every tree was trained again: the challenge left none of {total} to chance"
    if place is None and not any(tree["structure"].size for tree in claimed.trees):
        words = "no tree splits anything: that they agree proves nothing"
        return [Comparison(of="trees", agreement=Agreement.INCONCLUSIVE, note=words)], whole
    if place is None:
        note = f"trees 1 to {total} have the digests that the model claims"
        return [Comparison(of="trees", agreement=Agreement.BITWISE, actual=0.0, note=note)], whole
    found = [Comparison(of="trees", agreement=Agreement.BITWISE, note=f"trees 1 to {place} agree")] if place else []
    return [*found, _parted(place, far, total, same=same)], whole


def _trained(bench: Bench, request: Request, path: str) -> tuple[Tree, ...]:
    attempt: Attempt = bench.prepare()
    bench.run(attempt)
    if not attempt.execution.succeeded:
        run = bench.run_record
        raise UndecidableError(
            diagnose(attempt.execution, run, work=attempt.workspace.root, repository=request.repository.root).note
        )
    made = attempt.made(path).path
    trees = _trees(made) if made is not None else ()
    if not trees:
        raise UndecidableError(f"the command left no model of trees at {path}")
    return trees


def _parted(place: int, far: float, total: int, *, same: bool) -> Comparison:
    """The first tree that differs, and what that means. Its rounding is that of double precision sums."""
    of, where = f"tree:{place + 1}", f"tree {place + 1} of {total} is the first that differs"
    if far <= _GATE.passes:
        agreement, words = Agreement.WITHIN_TOLERANCE, f"its numbers by {far:.2g} at most"
    elif same or (np.isfinite(far) and far > _GATE.fails):
        agreement = Agreement.DIVERGED
        how = f"its numbers by {far:.2g}" if np.isfinite(far) else "it or one after it splits elsewhere, or is missing"
        words = f"{how}; usually {_LATER if place else _AT_ONCE}"
    else:
        agreement = Agreement.INCONCLUSIVE
        words = "on another class of executor a tie between two splits may fall otherwise"
    return Comparison(
        of=of,
        agreement=agreement,
        actual=far if np.isfinite(far) else None,
        tolerance=Tolerance(absolute=_GATE.passes, source="relative error of a tree's numbers, float64"),
        excess=far / _GATE.passes if np.isfinite(far) else None,
        detectable=_GATE.fails,
        note=f"{where}: {words}",
    )


def _first(one: tuple[Tree, ...], other: tuple[Tree, ...]) -> tuple[int | None, float]:
    """The first place at which the ensembles differ, and by how much relative to their numbers, over all trees.

    Infinite: a tree there is missing, or has another structure.
    """
    differing = [at for at, pair in enumerate(zip(one, other, strict=False)) if _leaf(pair[0]) != _leaf(pair[1])]
    if not differing:
        shorter = min(len(one), len(other))
        return (None, 0.0) if len(one) == len(other) else (shorter, np.inf)
    worst = max(_apart(one[at], other[at]) for at in differing)
    return differing[0], worst if len(one) == len(other) else np.inf


def _apart(one: Tree, other: Tree) -> float:
    worst = 0.0
    if one.keys() != other.keys():
        return np.inf
    for name, ours in one.items():
        theirs = other[name]
        if ours.shape != theirs.shape or (ours.dtype.kind != "f" and not np.array_equal(ours, theirs)):
            return np.inf
        if ours.dtype.kind == "f" and ours.size:
            with np.errstate(all="ignore"):
                far = float(np.abs(ours - theirs).max() / max(float(np.abs(ours).max()), np.finfo(np.float64).tiny))
            worst = max(worst, far if np.isfinite(far) else np.inf)
    return worst


def _leaf(tree: Tree) -> bytes:
    rows: list[Any] = [
        [name, array.dtype.name, list(array.shape), digest.of_bytes(np.ascontiguousarray(array).tobytes())]
        for name, array in sorted(tree.items())
    ]
    return digest.canonical_bytes(rows)
