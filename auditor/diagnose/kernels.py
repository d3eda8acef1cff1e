"""Learns what another processor's kernels do to weights and curves, by making this one compute like others.

Linear algebra libraries choose their kernels by the processor, and obey the environment otherwise: that stands in for other
hardware. What the kernels do, tenfold, is the band; a curve has one up to half the horizon at which they drive it apart.
Where no kernel changes anything, nothing was learned about another machine, and there is no band.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from auditor.commitment.checkpoint import Array
from auditor.compare.tensors import open_tensors
from auditor.compare.tolerance import is_ignored
from auditor.compare.update import distance
from auditor.errors import AuditorError, UndecidableError
from auditor.model.band import Band
from auditor.model.comparison import Comparison, Curve, Tolerance
from auditor.model.run import Reproduction
from auditor.model.words import Agreement
from auditor.reproduce.configure import Changes
from auditor.reproduce.expected import expected_of
from auditor.reproduce.prefix import read
from auditor.reproduce.request import Request
from auditor.reproduce.rig import Live
from auditor.reproduce.trial import Trial
from auditor.reproduce.twin import CUT, SLACK, envelope

KERNELS: Final[tuple[Mapping[str, str], ...]] = (
    {"OPENBLAS_CORETYPE": "Prescott", "ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"},
    {"OPENBLAS_CORETYPE": "Sandybridge", "ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE"},
    {"OPENBLAS_CORETYPE": "Haswell", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2"},
)
"""Orders to compute like an older processor. OpenBLAS, PyTorch's own kernels, oneDNN and MKL heed them."""

_STEPS: Final = 1_000_000
_LIMIT: Final = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding:
    """The bands of tensors and curves, a comparison for each (``tensor:NAME``, ``trace:NAME``), and a sentence."""

    bands: tuple[Band, ...]
    comparisons: tuple[Comparison, ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    weights: Mapping[str, Array]
    curves: Mapping[str, Mapping[int, float]]


def rounding(rig: Live, request: Request, reproduction: Reproduction) -> Rounding:
    """What other kernels do to the weights and curves of a run, executed as recorded under each of them.

    Raises:
        UndecidableError: fewer than two kernels let the command end well, or it cannot be executed at all.
    """
    with rig.lab(replace(request, recording=None), reproduction) as bench:
        attempts = [bench.prepare(Changes(variables=kernel)) for kernel in ({}, *KERNELS)]
        bench.run(*attempts)
        ended = [attempt for attempt in attempts if attempt.execution.succeeded]
        if ended[:1] != attempts[:1] or len(ended) < 3:
            raise UndecidableError("the command did not end well under other kernels")
        made = [_read(request, reproduction, attempt) for attempt in ended]
    found = [*_tensors(made), *_curves(made)]
    moved = f"{len(ended) - 1} other kernels moved {len(found)} of {len(made[0].weights) + len(made[0].curves)}"
    return Rounding(
        bands=tuple(band for band, _ in found),
        comparisons=tuple(comparison for _, comparison in found),
        note=f"{moved} tensors and curves; what they left alone, or drive apart, has no band",
    )


def _read(request: Request, reproduction: Reproduction, attempt: Trial) -> _Made:
    weights: dict[str, Array] = {}
    curves: dict[str, dict[int, float]] = {}
    for path, artifact in expected_of(request.run, reproduction).known.items():
        place = attempt.made(path).path
        if place is None or not place.is_file() or place.stat().st_size > _LIMIT:
            continue
        try:
            if artifact.role == "weights":
                with open_tensors(place) as file:
                    weights |= {
                        name: np.concatenate([block.copy() for block in file.blocks(name)])
                        for name, info in file.tensors.items()
                        if math.prod(info.shape) and not is_ignored(request.tolerances, name)
                    }
            elif artifact.role == "trace":
                trace = read(place, _STEPS, request.tolerances.ignore, same=False)
                curves |= {name: _numbers(trace.steps, texts) for name, texts in trace.curves.items()}
        except (AuditorError, TypeError):
            continue  # what cannot be read has no band, and is compared as if nothing had been learned
    return _Made(weights={n: a for n, a in weights.items() if a.dtype.kind == "f"}, curves=curves)


def _numbers(steps: Sequence[int], texts: Sequence[str]) -> dict[int, float]:
    found = {}
    for step, text in zip(steps, texts, strict=True):
        try:
            found[step] = float(text)
        except ValueError:
            return {}
    return found


def _tensors(made: Sequence[_Made]) -> Iterator[tuple[Band, Comparison]]:
    first, others = made[0].weights, [one.weights for one in made[1:]]
    same = all(
        one.keys() == first.keys() and all(array.shape == first[name].shape for name, array in one.items()) for one in others
    )
    if not first or not same or any(not distance(first, one) <= CUT for one in others):
        return  # rounding alone drives these weights apart: no tolerance of theirs could reject anything
    for name, ours in first.items():
        far = max(float(np.abs(one[name].astype(np.float64) - ours.astype(np.float64)).max()) for one in others)
        if far > 0:
            band = Band(of=f"tensor:{_literal(name)}", n=len(others), absolute=SLACK * far, relative=0.0)
            yield band, _told(band, f"elements by up to {far:.2g}")


def _curves(made: Sequence[_Made]) -> Iterator[tuple[Band, Comparison]]:
    for name, ours in made[0].curves.items():
        others = [one.curves.get(name, {}) for one in made[1:]]
        if not ours or any(one.keys() != ours.keys() for one in others):
            continue
        steps = tuple(ours)
        known = envelope(steps, tuple(ours.values()), [tuple(one.values()) for one in others])
        horizon = known.last
        running = [far for step, far in zip(steps, known.running, strict=True) if step <= horizon]
        if not running or running[-1] == 0:
            continue
        band = Band(
            of=f"trace:{_literal(name)}", n=len(others), absolute=0.0, relative=known.allows(horizon), horizon=horizon
        )
        farthest = max(others, key=lambda one: abs(one[steps[-1]] - ours[steps[-1]]))
        curve = known.around(tuple(ours.values()), tuple(farthest.values()))
        yield band, _told(band, f"it by {running[-1]:.2g} up to step {horizon}", curve)


def _told(band: Band, words: str, curve: Curve | None = None) -> Comparison:
    return Comparison(
        of=band.of,
        agreement=Agreement.WITHIN_TOLERANCE,
        tolerance=Tolerance(absolute=band.absolute or 0.0, relative=band.relative or 0.0, source=f"{band.n} other kernels"),
        excess=1 / SLACK,
        note=f"other kernels move {words}; ten times that is the band",
        curve=curve,
    )


def _literal(name: str) -> str:
    """The pattern that matches this name alone."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
