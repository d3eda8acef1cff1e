"""Computes a claimed metric afresh from stored predictions and labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.compare.errors import Refused, Unrecomputable
from auditor.compare.formulas import Kind, Sample, compute, kind_of
from auditor.compare.tables import Role, Table, open_table, read_columns
from auditor.errors import EmptySelectionError, UndecidableError
from auditor.model.run import MetricColumns, MetricParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomputed:
    """A metric computed by us over ``n`` rows; ``quantum`` is the step in which it moves, where there is one."""

    value: float
    n: int
    kind: str
    quantum: float | None


def recompute(
    kind_or_name: str,
    predictions: Path,
    labels: Path | None,
    columns: MetricColumns | None = None,
    parameters: MetricParameters | None = None,
) -> Recomputed:
    """The metric that ``kind_or_name`` means, computed from the files.

    Labels come from ``labels`` or, without it, from the predictions table itself. Rows are matched by id where both tables
    have an id column (a declared one must be in both), else by order.

    Raises:
        Unrecomputable: an unknown metric, files that do not fit each other, values or parameters it is not defined for.
    """
    kind = known_kind(kind_or_name, parameters)
    return recompute_sample(kind, load_sample(predictions, labels, columns), parameters)


def known_kind(kind_or_name: str, parameters: MetricParameters | None = None) -> Kind:
    """What a metric's name means.

    Raises:
        Unrecomputable: nobody told us how to compute it.
    """
    kind = kind_of(kind_or_name, parameters)
    if kind is None:
        raise Unrecomputable(f"no way to compute {kind_or_name} is known", hint="declare its kind, such as accuracy or rmse")
    return kind


def recompute_sample(kind: Kind, sample: Sample, parameters: MetricParameters | None = None) -> Recomputed:
    """The metric over columns that are already aligned. Raises :class:`Unrecomputable`."""
    rows = len(sample.labels)
    value = compute(kind, sample, parameters)
    quantum = 1 / rows if kind.name in {"accuracy", "error_rate"} else None
    return Recomputed(value=value, n=rows, kind=str(kind), quantum=quantum)


def load_sample(predictions: Path, labels: Path | None, columns: MetricColumns | None = None) -> Sample:
    """Labels, predictions and probabilities, row by row about the same thing.

    Raises:
        Unrecomputable: a file that is missing, no table, or does not fit the other one.
    """
    columns = columns or MetricColumns()
    try:
        given = _load(predictions, columns, ("id", "prediction", "probability", *(() if labels else ("label",))))
        truth = _load(labels, columns, ("id", "label")) if labels else given
    except (Refused, EmptySelectionError, UndecidableError) as error:
        raise Unrecomputable(error.message, hint=error.hint) from error
    if "label" not in truth:
        raise Unrecomputable("there is no column of labels", hint="declare it under from.columns.label")
    if "prediction" not in given and "probability" not in given:
        raise Unrecomputable("there is no column of predictions", hint="declare it under from.columns.prediction")
    order = _order(given, truth, declared=columns.id) if labels else None
    if order is not None:
        given = {role: [values[place] for place in order] for role, values in given.items()}
    return Sample(labels=truth["label"], predictions=given.get("prediction"), probabilities=given.get("probability"))


def _load(path: Path, columns: MetricColumns, roles: Sequence[Role]) -> dict[Role, list[str]]:
    """The columns that play these roles. An npy file plays the one it is asked for: labels, or else predictions."""
    with open_table(path) as table:
        names = {role: _column(table, role, columns) for role in roles}
        if table.header == ("",):
            only: Role = "label" if "prediction" not in roles else "prediction"
            names = {only: names[only]}
        found = {role: name for role, name in names.items() if name is not None}
        values = read_columns(table, list(dict.fromkeys(found.values())))
        return {role: values[name] for role, name in found.items()}


def _column(table: Table, role: Role, columns: MetricColumns) -> str | None:
    try:
        return table.column(role, getattr(columns, role))
    except Refused:
        if role == "id":  # declared for one of the two tables; _order says what is missing
            return None
        raise


def _order(given: dict[Role, list[str]], truth: dict[Role, list[str]], *, declared: str | None) -> list[int] | None:
    """For each label the place of its prediction; None when rows match by their order."""
    count, expected = len(given.get("prediction", given.get("probability", []))), len(truth["label"])
    ids = [("predictions", given.get("id")), ("labels", truth.get("id"))]
    if declared is not None:
        for what, values in ids:
            if values is None:
                raise Unrecomputable(f"the {what} have no column {declared}")
    if count != expected:
        raise Unrecomputable(f"there are {count} predictions and {expected} labels")
    places = []
    for what, values in ids:
        if values is None:
            return None
        places.append({value: place for place, value in enumerate(values)})
        if len(places[-1]) != len(values):
            raise Unrecomputable(f"the {what} have an id twice")
    predicted, labelled = places
    missing = next((value for value in labelled if value not in predicted), None)
    if missing is not None:
        raise Unrecomputable(f"there is no prediction for the id {missing}")
    return [predicted[value] for value in labelled]
