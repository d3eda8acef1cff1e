"""Reads the figures that a run wrote itself: its metrics file, and the trace of metrics over steps."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

from auditor.compare.tables import number
from auditor.evidence.claimed import ClaimedBytes
from auditor.evidence.tables import is_table, open_rows
from auditor.evidence.unanswered import Inconclusive
from auditor.model.run import Artifact, Json

_LIMIT = 16 << 20
_MOST_POINTS = 2_000_000
_STEPS = ("step", "global_step", "iteration", "iter")
_LOSSES = frozenset({"log_loss", "logloss", "cross_entropy", "crossentropy", "nll", "nll_loss", "ce_loss"})


def written_figures(claimed: ClaimedBytes, artifact: Artifact) -> dict[str, float]:
    """The numbers in a JSON metrics file by dotted name, as the recorder names them.

    Raises:
        Inconclusive: its bytes are not here, or are no JSON object.
    """
    path = claimed.file(artifact)
    if path.stat().st_size > _LIMIT:
        raise Inconclusive(f"{artifact.path} has more than {_LIMIT} bytes")
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        raise Inconclusive(f"{artifact.path} is no JSON") from None
    if not isinstance(value, dict):
        raise Inconclusive(f"{artifact.path} holds no JSON object")
    return dict(_numbers(value, ""))


def _numbers(value: Json, prefix: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _numbers(child, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _numbers(child, f"{prefix}.{index}")
    elif isinstance(value, int | float) and not isinstance(value, bool) and prefix:
        try:
            yield prefix, float(value)
        except OverflowError:
            yield prefix, math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One metric over steps, in the order in which it was written. ``steps`` is empty where none were."""

    name: str
    steps: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def is_log_loss(self) -> bool:
        """Whether its name says that it is a mean log loss, which an untrained classifier starts at ln C."""
        return self.name.replace("/", "_").replace("-", "_").lower().removeprefix("train_") in _LOSSES

    def at(self, step: float) -> float | None:
        """The last value written for a step."""
        found = [value for when, value in zip(self.steps, self.values, strict=False) if when == step]
        return found[-1] if found else None


def curves(claimed: ClaimedBytes, artifact: Artifact) -> list[Curve]:
    """The curves in a trace: a table with one column a metric, or with the columns ``name`` (or ``metric``) and ``value``.

    Raises:
        Inconclusive: its bytes are not here, or are no table.
    """
    if not is_table(artifact):
        raise Inconclusive(f"{artifact.path or artifact.name} is no table of a form that is read")
    series: dict[str, tuple[list[float], list[float]]] = {}
    points = 0
    with open_rows(claimed, artifact) as table:
        names = table.header
        step = next((name for name in _STEPS if name in names), None)
        label = next((name for name in ("name", "metric") if name in names), None)
        long = label is not None and "value" in names
        wanted = [
            name for name in names if name not in {step, "epoch", "time", "timestamp"} and (not long or name == "value")
        ]
        for cells in table.cells(*([step] if step else []), *([label] if long and label else []), *wanted):
            rest = list(cells)
            when = _float(rest.pop(0)) if step else None
            prefix = rest.pop(0) if long else None
            for name, cell in zip(wanted, rest, strict=True):
                value = _float(cell)
                if value is None:
                    continue
                points += 1
                if points > _MOST_POINTS:
                    raise Inconclusive(f"{artifact.path} has more than {_MOST_POINTS} values")
                steps, values = series.setdefault(prefix if prefix is not None else name, ([], []))
                values.append(value)
                if when is not None:
                    steps.append(when)
    return [
        Curve(name=name, steps=tuple(steps) if len(steps) == len(values) else (), values=tuple(values))
        for name, (steps, values) in series.items()
    ]


def _float(cell: str) -> float | None:
    value = number(cell)
    try:
        return None if value is None else float(value)
    except OverflowError:
        return math.inf
