"""Finds the files that a verifier can recompute a reported metric from, by trying it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from auditor.compare.errors import Unrecomputable
from auditor.compare.formulas import kind_of
from auditor.compare.recompute import recompute
from auditor.compare.tables import CONVENTION, Role
from auditor.model.run import Metric, MetricColumns, MetricSource


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFile:
    """A table by its path and header; ``split`` is the part of the data it belongs to, None where unknown."""

    path: str
    columns: tuple[str, ...]
    split: str | None = None


def attach(
    metrics: Sequence[Metric], predictions: TableFile, labels: Sequence[TableFile], root: Path
) -> tuple[list[Metric], list[str]]:
    """The metrics with ``from`` filled in where the files give a value, and a warning for each that they contradict.

    A metric of the test split, or of none, is tied to the first labels that fit the predictions, even when they give
    another value: that is worth knowing at once. Metrics of other splits, and those whose name leaves something open, are
    tied only where the value agrees.
    """
    found, warnings = [], []
    for metric in metrics:
        tied, value = _tie(metric, predictions, labels, root)
        found.append(tied)
        if tied.from_ is not None and not _agrees(value, metric.value):
            warnings.append(f"metric {metric.name} is {metric.value}, but {predictions.path} and its labels give {value}")
    return found, warnings


def columns_of(header: Sequence[str], role: Role) -> str | None:
    """The column of a table that by convention plays ``role``."""
    return next((name for name in CONVENTION[role] if name in header), None)


def _tie(metric: Metric, predictions: TableFile, labels: Sequence[TableFile], root: Path) -> tuple[Metric, float | None]:
    kind = kind_of(metric.name)
    if kind is None or metric.value is None:
        return metric, None
    candidates = list(_values(metric, predictions, labels, root))
    for source, value in candidates:
        if _agrees(value, metric.value):
            return msgspec.structs.replace(metric, from_=source), value
    is_plain = kind.name == "accuracy" and metric.split in {None, predictions.split or "test"}
    if candidates and is_plain:
        source, value = candidates[0]
        return msgspec.structs.replace(metric, from_=source), value
    return metric, None


def _values(
    metric: Metric, predictions: TableFile, labels: Sequence[TableFile], root: Path
) -> Iterator[tuple[MetricSource, float]]:
    for table in (*labels, predictions):
        label = columns_of(table.columns, "label")
        if label is None:
            continue
        ids = {columns_of(predictions.columns, "id"), columns_of(table.columns, "id")}
        columns = MetricColumns(
            id=ids.pop() if len(ids) == 1 else None,
            label=label,
            prediction=columns_of(predictions.columns, "prediction"),
            probability=columns_of(predictions.columns, "probability"),
        )
        try:
            path = None if table is predictions else root / table.path
            value = recompute(metric.name, root / predictions.path, path, columns).value
        except Unrecomputable:
            continue
        yield MetricSource(predictions=predictions.path, labels=table.path, columns=columns), value


def _agrees(one: float | None, other: float | None) -> bool:
    """To the digits that people print: rounding to three places is no contradiction."""
    return one is not None and other is not None and math.isclose(one, other, rel_tol=1e-6, abs_tol=5e-4)
