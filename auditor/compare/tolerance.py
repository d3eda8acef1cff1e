"""Which difference is allowed for which quantity."""

from __future__ import annotations

import math
from fnmatch import fnmatchcase
from typing import Final

from auditor.compare.known import NOTHING_KNOWN, Known
from auditor.compare.patterns import most_specific
from auditor.errors import UsageError
from auditor.model.band import Machine
from auditor.model.comparison import Tolerance
from auditor.model.policy import ForPair, MetricPair, Pair, Tolerances

_HALF: Final = (1.6e-2, 1e-3)
_SINGLE: Final = (1e-4, 1e-6)
_DOUBLE: Final = (1e-9, 1e-12)

AUTO: Final = {
    "float16": _HALF,
    "bfloat16": _HALF,
    "float32": _SINGLE,
    "complex64": _SINGLE,
    "float64": _DOUBLE,
    "complex128": _DOUBLE,
    "float128": _DOUBLE,
    "longdouble": _DOUBLE,
}
"""(relative, absolute) by dtype for trained weights on another CPU of the same environment; anything else is exact.

From the default tolerance policy's column "same env, other CPU":

* float64: the rows for segment weights and for evaluated outputs agree on relative 1e-9, absolute 1e-12.
* float32: relative 1e-4 is the row for segment weights. The tighter 1e-5 of evaluated outputs is for a single forward pass;
  weights have accumulated the noise of every step. The absolute part, 1e-6, is that of evaluated outputs: a training run
  repeated on another kernel family agrees to 2.5e-7 in relative L2 and still differs by thousands of units in the last
  place where an element happens to be near zero, so no purely relative bound fits single elements.
* float16, bfloat16: relative 1.6e-2, absolute 1e-3 (the starting gate for replayed half-precision segments is 2e-2).
* Integers, booleans, text are exact; float8 has no measured row and is exact until calibrated.
"""

EVALUATED: Final = (1e-5, 1e-6)
"""(relative, absolute) for numbers in a predictions table from another CPU: the float32 row for evaluated outputs.

A table of text does not say in which dtype its numbers were computed; float32 is what most models predict in.
"""

DTYPE_DEFAULTS: Final = {
    "float64": (1e-7, 1e-7),
    "float32": (1.3e-6, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float16": (1e-3, 1e-5),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
    "float128": (1e-7, 1e-7),
    "longdouble": (1e-7, 1e-7),
}
"""(relative, absolute) by dtype where nobody chose: the table of ``torch.testing.assert_close``; anything else is exact."""


class Settled(Tolerances, frozen=True):
    """Tolerances as they count between two machines: what the policy says of this pair, and beside it what was learned."""

    known: Known = NOTHING_KNOWN


def between(
    tolerances: Tolerances, machines: tuple[Machine | None, Machine | None], known: Known = NOTHING_KNOWN
) -> Settled:
    """The tolerances between two machines: those of the first entry of ``pairs`` that matches before the general ones."""
    entry = next((entry for entry in tolerances.pairs if _matches(entry, machines)), ForPair(executors=("", "")))
    return Settled(
        metrics={**tolerances.metrics, **entry.metrics},
        tensors={**tolerances.tensors, **entry.tensors},
        dtypes={**tolerances.dtypes, **entry.dtypes},
        ignore=tolerances.ignore,
        known=known,
    )


def _matches(entry: ForPair, machines: tuple[Machine | None, Machine | None]) -> bool:
    left, right = machines
    if left is None or right is None:
        return False
    one, other = entry.executors
    return any(
        fnmatchcase(first.class_, one) and fnmatchcase(second.class_, other)
        for first, second in ((left, right), (right, left))
    )


def metric_tolerance(tolerances: Tolerances, name: str) -> Tolerance:
    """The tolerance of the most specific pattern that matches ``name``; exact when none does."""
    found = most_specific(tolerances.metrics, name)
    if found is None:
        return Tolerance(source="exact: no pattern of the policy matches")
    pattern, pair = found
    return _from_pair(pair, pattern)


def is_ignored(tolerances: Tolerances, name: str) -> bool:
    """Whether the policy says that the metric ``name`` is no claim."""
    return any(fnmatchcase(name, pattern) for pattern in tolerances.ignore)


def tensor_tolerance(tolerances: Tolerances, name: str, dtype: str, *, same_executor: bool) -> Tolerance:
    """The tolerance for the elements of the tensor ``name`` of ``dtype`` (``float32``, ``bfloat16``, ``int64``...).

    A pair that the policy gives counts everywhere. ``auto`` is the band that repeat runs taught; without one it is exact on
    the same executor class, and on another what the policy says of the dtype, else :data:`AUTO`.
    """
    found = most_specific(tolerances.tensors, name)
    if found is None:
        return Tolerance(source="exact: no pattern of the policy matches")
    pattern, chosen = found
    if isinstance(chosen, Pair):
        return _from_pair(chosen, pattern)
    if (learned := _learned(tolerances, name)) is not None:
        return learned
    if same_executor:
        return Tolerance(source="same executor class")
    if dtype in tolerances.dtypes:
        return _from_pair(tolerances.dtypes[dtype], dtype)
    return _from_table(AUTO, dtype, "default table, other executor class")


def prediction_tolerance(tolerances: Tolerances, path: str, *, same_executor: bool) -> Tolerance:
    """The tolerance for numbers with a fraction in the predictions table ``path``; ``auto`` is :data:`EVALUATED`."""
    found = most_specific(tolerances.tensors, path)
    if found is not None and isinstance(found[1], Pair):
        return _from_pair(found[1], found[0])
    if found is not None and (learned := _learned(tolerances, path)) is not None:
        return learned
    if found is None or same_executor:
        return tensor_tolerance(tolerances, path, "float64", same_executor=same_executor)
    relative, absolute = EVALUATED
    return Tolerance(relative=relative, absolute=absolute, source="default table, evaluated outputs")


def chosen_tolerance(dtype: str, *, relative: float | None, absolute: float | None) -> Tolerance:
    """The tolerance of a command line: both as given, one alone leaves the other at 0, none is the dtype's default pair.

    Raises:
        UsageError: a number that no tolerance can be (negative, not finite).
    """
    for option, value in (("--rtol", relative), ("--atol", absolute)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise UsageError(f"{option} {value}: a tolerance is a finite number of at least 0")
    if relative is None and absolute is None:
        return _from_table(DTYPE_DEFAULTS, dtype, "dtype default")
    return Tolerance(relative=relative or 0.0, absolute=absolute or 0.0, source="command line")


def _learned(tolerances: Tolerances, name: str) -> Tolerance | None:
    """The pair that repeat runs taught for a tensor."""
    found = tolerances.known.find("tensor", name) if isinstance(tolerances, Settled) else None
    if found is None:
        return None
    band, _ = found
    source = f"band: {band.pattern}, {band.n} repeats"
    return Tolerance(absolute=band.absolute or 0.0, relative=band.relative or 0.0, source=source)


def _from_pair(pair: Pair, pattern: str) -> Tolerance:
    better = pair.better if isinstance(pair, MetricPair) else "either"
    return Tolerance(absolute=pair.absolute, relative=pair.relative, source=f"policy: {pattern}", better=better)


def _from_table(table: dict[str, tuple[float, float]], dtype: str, source: str) -> Tolerance:
    if dtype not in table:
        return Tolerance(source=f"{source}: {dtype} is exact")
    relative, absolute = table[dtype]
    return Tolerance(relative=relative, absolute=absolute, source=f"{source}: {dtype}")
