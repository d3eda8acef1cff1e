"""Computes a claimed metric afresh from stored predictions and labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from auditor.compare.errors import Refused, Unrecomputable
from auditor.compare.formulas import SHARES, Kind, compute, kind_of
from auditor.compare.samples import Sample
from auditor.compare.tables import ANONYMOUS, Role, Table, open_table, read_columns
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
    rows = sample.rows
    value = compute(kind, sample, parameters)
    quantum = 1 / rows if kind.name in SHARES else None
    return Recomputed(value=value, n=rows, kind=str(kind), quantum=quantum)


def load_sample(predictions: Path, labels: Path | None, columns: MetricColumns | None = None) -> Sample:
    """Labels, predictions and probabilities, row by row about the same thing.

    Log-probabilities of tokens need no labels. Columns with each class's probability are found by what their names begin
    with (see :meth:`auditor.compare.tables.Table.classes`).

    Raises:
        Unrecomputable: a file that is missing, no table, or does not fit the other one.
    """
    columns = columns or MetricColumns()
    try:
        given = _load(predictions, columns, ("id", *_OUTPUTS, *(() if labels else ("label",))))
        truth = _load(labels, columns, ("id", "label")) if labels else given
    except (Refused, EmptySelectionError, UndecidableError) as error:
        raise Unrecomputable(error.message, hint=error.hint) from error
    if not given.classes and given.roles.keys().isdisjoint(_OUTPUTS):
        raise Unrecomputable("there is no column of predictions", hint="declare it under from.columns.prediction")
    if "label" not in truth.roles and (labels or "logarithm" not in given.roles):
        raise Unrecomputable("there is no column of labels", hint="declare it under from.columns.label")
    order = _order(given, truth, declared=columns.id) if labels else None
    if order is not None:
        given = given.ordered(order)
    return Sample(
        labels=truth.roles.get("label", ()),
        predictions=given.roles.get("prediction"),
        probabilities=given.roles.get("probability"),
        classes=given.classes or None,
        logarithms=given.roles.get("logarithm"),
    )


_OUTPUTS: Final[tuple[Role, ...]] = ("prediction", "probability", "logarithm")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """What was read of one table: columns by role, and the probabilities of each class by class."""

    roles: dict[Role, list[str]]
    classes: dict[str, list[str]]

    @property
    def rows(self) -> int:
        return len(next(iter((*self.roles.values(), *self.classes.values())), ()))

    def ordered(self, order: Sequence[int]) -> _Columns:
        return _Columns(
            roles={role: [values[place] for place in order] for role, values in self.roles.items()},
            classes={name: [values[place] for place in order] for name, values in self.classes.items()},
        )


def _load(path: Path, columns: MetricColumns, roles: Sequence[Role]) -> _Columns:
    """The columns that play these roles. An array without a name plays what it is asked for: labels, or any output."""
    with open_table(path) as table:
        classes = table.classes(columns.probability) if "probability" in roles else {}
        names = {role: _column(table, role, columns) for role in roles if not (classes and role in _SCORES)}
        if table.header == (ANONYMOUS,) and "prediction" in roles:
            names.pop("label", None)  # its only column is the predictions
        found = {role: name for role, name in names.items() if name is not None}
        values = read_columns(table, list(dict.fromkeys((*found.values(), *classes.values()))))
        return _Columns(
            roles={role: values[name] for role, name in found.items()},
            classes={name: values[column] for name, column in classes.items()},
        )


_SCORES: Final = frozenset({"probability", "logarithm"})


def _column(table: Table, role: Role, columns: MetricColumns) -> str | None:
    """The column of a role. What the manifest declares as the probability is also where logarithms of it are."""
    try:
        return table.column(role, getattr(columns, "probability" if role == "logarithm" else role))
    except Refused:
        if role == "id":  # declared for one of the two tables; _order says what is missing
            return None
        raise


def _order(given: _Columns, truth: _Columns, *, declared: str | None) -> list[int] | None:
    """For each label the place of its prediction; None when rows match by their order."""
    count, expected = given.rows, truth.rows
    ids = [("predictions", given.roles.get("id")), ("labels", truth.roles.get("id"))]
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
