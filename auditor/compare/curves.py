"""Compares two files of curves, and says what becomes of the curves of a reproduction, about which a band may know more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from auditor.compare.source import same_bytes
from auditor.compare.tables import CONVENTION, TABLE_SUFFIXES, open_table
from auditor.compare.tolerance import Settled, metric_tolerance
from auditor.compare.traces import STEPS, Rule, compare_curves, read_trace
from auditor.model.comparison import Comparison, Tolerance
from auditor.model.policy import Tolerances
from auditor.model.words import Agreement

_PREDICTED: Final = frozenset(name for role in ("id", "label", "prediction", "probability") for name in CONVENTION[role])


def holds_curves(path: Path) -> bool:
    """Whether a table has a column of steps and none of what predictions have. Raises what :func:`open_table` raises."""
    if path.suffix.lower() not in TABLE_SUFFIXES:
        return False
    with open_table(path) as table:
        return bool(set(STEPS) & set(table.header)) and not _PREDICTED & set(table.header)


def banded(tolerances: Tolerances) -> bool:
    """Whether any curve has a band."""
    return isinstance(tolerances, Settled) and any(band.kind == "trace" for band, _ in tolerances.known.bands)


def compare_trace_files(  # noqa: PLR0913 - two files, what they are called, how they are read and judged
    expected: Path,
    actual: Path,
    *,
    of: str,
    rule_for: Callable[[str], Rule],
    step: str | None = None,
    ignore: Sequence[str] = (),
) -> tuple[Comparison, ...]:
    """One comparison per curve of either file, as ``trace:{of}#NAME``, the steps first.

    Raises:
        EmptySelectionError, Refused, UndecidableError: see :func:`auditor.compare.traces.read_trace`.
    """
    left, right = (read_trace(path, step=step, ignore=ignore) for path in (expected, actual))
    found = compare_curves(left, right, rule_for)
    return tuple(
        msgspec.structs.replace(one.comparison, of=f"trace:{of}#{one.comparison.of.removeprefix('metric:')}")
        for one in found
    )


def compare_reproduced(expected: Path, actual: Path, *, of: str, tolerances: Tolerances) -> tuple[Comparison, ...]:
    """The curves of a record and of its re-execution.

    A curve counts where a band says what it may do, up to the band's horizon. All others claim nothing: they are listed as
    ``not-exercised``, with where they leave the tolerance of a metric of that name.

    Raises:
        EmptySelectionError, Refused, UndecidableError: as above.
    """
    if same_bytes(expected, actual):
        return (Comparison(of=f"file:{of}", agreement=Agreement.BITWISE, excess=0.0),)
    bands = {name: rule for name in read_trace(expected).curves if (rule := learned(tolerances, name)) is not None}

    def rule_for(name: str) -> Rule:
        return bands.get(name, (metric_tolerance(tolerances, name), None))

    found = compare_trace_files(expected, actual, of=of, rule_for=rule_for, ignore=tolerances.ignore)
    return tuple(one if one.of.partition("#")[2] in bands else _listed(one) for one in found)


def learned(tolerances: Tolerances, name: str) -> Rule | None:
    """What a band says that the curve ``name`` may do, and up to which step; None where there is no band."""
    found = tolerances.known.find("trace", name) if isinstance(tolerances, Settled) else None
    if found is None:
        return None
    band, _ = found
    source = f"band: {band.pattern}, {band.n} repeats"
    return Tolerance(absolute=band.absolute or 0.0, relative=band.relative or 0.0, source=source), band.horizon


def _listed(comparison: Comparison) -> Comparison:
    if comparison.agreement is Agreement.BITWISE:
        return comparison
    note = "; ".join(filter(None, (comparison.note, "listed only: no band says what this curve may do")))
    return msgspec.structs.replace(comparison, agreement=Agreement.NOT_EXERCISED, note=note)
