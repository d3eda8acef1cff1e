"""Compares two tables of predictions, cell by cell."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path
from typing import Final

from auditor.compare.errors import Refused
from auditor.compare.flips import Scores, excusable
from auditor.compare.metrics import compare_metric
from auditor.compare.source import same_bytes
from auditor.compare.tables import CONVENTION, Number, Table, number, open_table, read_columns
from auditor.model.comparison import Comparison, Tolerance
from auditor.model.words import Agreement

_EXACT: Final = Tolerance(source="exact")


def compare_predictions(expected: Path, actual: Path, *, of: str, tolerance: Tolerance) -> Comparison:
    """Whether two tables (see :func:`auditor.compare.tables.open_table`) predict the same, as ``predictions:{of}``.

    Columns are matched by name, rows by their id column where the ids come in another order, else by order. Ids, labels,
    text and integers (classes) must be equal; other numbers stay within ``tolerance``. A class may be another one where the
    row's scores are within tolerance, moved, and lie so close to a decision that this can have turned it, in at most 1 % of
    the rows. NaN and an empty prediction never agree. The note names the first and the worst place and the churn: the share
    of rows whose prediction differs.

    Raises:
        EmptySelectionError, Refused, UndecidableError: see :func:`auditor.compare.tables.open_table`.
    """
    judge = _Judge(tolerance)
    with ExitStack() as stack:
        left, right = stack.enter_context(open_table(expected)), stack.enter_context(open_table(actual))
        if set(left.header) != set(right.header):
            return _other_columns(left, right, of)
        mismatch = judge.rows(left, right)
    if mismatch is _IDS:
        judge = _Judge(tolerance)
        mismatch = _by_id(expected, actual, judge)
    if mismatch is not None:
        return Comparison(of=f"predictions:{of}", agreement=Agreement.DIVERGED, tolerance=tolerance, note=mismatch)
    return judge.result(of, same=same_bytes(expected, actual))


_IDS: Final = "the ids differ"


class _Judge:
    """The running verdict over pairs of rows."""

    def __init__(self, tolerance: Tolerance) -> None:
        self._tolerance = tolerance
        self._count = self._differing = self._beyond = self._churn = self._turned = 0
        self._scores: Scores | None = None
        self._first: str | None = None
        self._worst: tuple[str, Comparison] | None = None
        self._detectable: float | None = None

    def rows(self, left: Table, right: Table) -> str | None:
        """Judge all rows in order; a reason when they cannot be paired, ``_IDS`` when another order may help."""
        self.know(left)
        places = [right.header.index(name) for name in left.header]
        identity = left.column("id")
        at = left.header.index(identity) if identity is not None else None
        for one, other in zip_longest(left.rows, right.rows):
            if one is None or other is None:
                return "they have different numbers of rows"
            aligned = [other[place] for place in places]
            if at is not None and one[at] != aligned[at]:
                return _IDS
            self.row(left.header, one, aligned)
        return None

    def know(self, table: Table) -> None:
        """Learn from the expected table which columns decide its predictions."""
        self._scores = Scores.of(table) if self._tolerance.absolute or self._tolerance.relative else None

    def row(self, header: Sequence[str], one: Sequence[str], other: Sequence[str]) -> None:
        """Judge one pair of rows."""
        self._count += 1
        flipped = False
        turned: bool | None = None
        for column, left, right in zip(header, one, other, strict=True):
            cell = self._cell(column, left, right)
            if cell is None or cell.agreement is Agreement.BITWISE:
                continue
            where = f"row {self._count}" + (f", {column}" if column else "")
            self._differing += 1
            self._first = self._first or where
            if cell.agreement is Agreement.DIVERGED:
                decided = column in {"", *CONVENTION["prediction"]}
                flipped = flipped or decided
                if decided and turned is None:
                    turned = self._excused(one, other, (left, right))
                if decided and turned:
                    continue
                self._beyond += 1
            if self._worst is None or _badness(cell) > _badness(self._worst[1]):
                self._worst = (where, cell)
        self._churn += flipped
        self._turned += bool(turned)

    def _excused(self, one: Sequence[str], other: Sequence[str], predictions: tuple[str, str]) -> bool:
        if self._scores is None or not all(map(_is_value, predictions)):
            return False
        return self._scores.excuse(one, other, predictions, self._tolerance)

    def _cell(self, column: str, left: str, right: str) -> Comparison | None:
        """None where equal text says all."""
        predicted = column in {"", *CONVENTION["prediction"], *CONVENTION["probability"], *CONVENTION["logarithm"]}
        one = number(left)
        other = one if left == right else number(right)
        if one is None or other is None:
            if left.strip() == right.strip() and not (predicted and not left.strip()):
                return None
            return Comparison(of="", agreement=Agreement.DIVERGED, expected=left, actual=right)
        claimed = column in {*CONVENTION["id"], *CONVENTION["label"]}
        exact = claimed or (isinstance(one, int) and isinstance(other, int))
        if not exact:
            self._allow(one, other)
        if left == right and (isinstance(one, int) or math.isfinite(one)):
            return None
        return compare_metric("", one, other, _EXACT if exact else self._tolerance)

    def _allow(self, one: Number, other: Number) -> None:
        allowed = self._tolerance.allows(max(abs(one), abs(other)))
        if math.isfinite(allowed):
            self._detectable = allowed if self._detectable is None else min(allowed, self._detectable)

    def result(self, of: str, *, same: bool) -> Comparison:
        """The verdict. ``same`` tells that the files are equal byte by byte."""
        if not self._count:
            note = "the tables have no rows"
            return Comparison(of=f"predictions:{of}", agreement=Agreement.NOT_EXERCISED, note=note)
        agreement = Agreement.BITWISE
        if self._differing:
            beyond = self._beyond or not excusable(self._turned, self._count)
            agreement = Agreement.DIVERGED if beyond else Agreement.WITHIN_TOLERANCE
        worst = self._worst[1] if self._worst else Comparison(of="", agreement=Agreement.BITWISE, excess=0.0)
        return Comparison(
            of=f"predictions:{of}",
            agreement=agreement,
            expected=worst.expected,
            actual=worst.actual,
            tolerance=self._tolerance,
            excess=worst.excess,
            detectable=self._detectable or 0.0,  # where every cell is compared exactly, any change is seen
            first=self._first,
            worst=self._worst[0] if self._worst else None,
            note=self._words(same=same),
        )

    def _words(self, *, same: bool) -> str | None:
        if not self._differing:
            return None if same else "other bytes, equal values"
        share = self._churn / self._count
        worst = f", worst at {self._worst[0]}" if self._worst else ""
        turned = f"; {self._turned} decisions turned, as close to one as their scores moved" if self._turned else ""
        many = "" if excusable(self._turned, self._count) else ": too many for noise"
        return (
            f"{self._differing} cells differ, {self._beyond} beyond tolerance; first at {self._first}{worst}; "
            f"churn {self._churn} of {self._count} rows ({share:.2%}){turned}{many}"
        )


def _is_value(text: str) -> bool:
    value = number(text)
    return bool(text.strip()) if value is None else isinstance(value, int) or math.isfinite(value)


def _badness(cell: Comparison) -> tuple[int, float]:
    excess = cell.excess
    if excess is None:
        excess = math.inf
    return cell.agreement.rank, excess


def _by_id(expected: Path, actual: Path, judge: _Judge) -> str | None:
    """Judge rows matched by id, both tables loaded; a reason when the ids are not the same set, each once."""
    with ExitStack() as stack:
        left, right = stack.enter_context(open_table(expected)), stack.enter_context(open_table(actual))
        judge.know(left)
        identity = left.column("id") or ""
        header = left.header
        one, other = read_columns(left, header), read_columns(right, header)
    for side, ids in (("expected", one[identity]), ("actual", other[identity])):
        if len(set(ids)) != len(ids):
            return f"the {side} table has an id twice"
    place = {value: index for index, value in enumerate(other[identity])}
    if place.keys() != set(one[identity]):
        return "they are about different ids"
    for index, value in enumerate(one[identity]):
        judge.row(header, _row(one, header, index), _row(other, header, place[value]))
    return None


def _row(columns: dict[str, list[str]], header: Sequence[str], index: int) -> list[str]:
    return [columns[name][index] for name in header]


def _other_columns(left: Table, right: Table, of: str) -> Comparison:
    def listed(names: Iterator[str]) -> str:
        return ", ".join(names) or "none"

    gone = listed(name for name in left.header if name not in right.header)
    new = listed(name for name in right.header if name not in left.header)
    note = f"the columns changed: missing {gone}; not expected {new}"
    return Comparison(of=f"predictions:{of}", agreement=Agreement.DIVERGED, note=note)


def churn(expected: Sequence[str], actual: Sequence[str]) -> float:
    """The share of rows whose prediction differs, numbers by value and other text as it is.

    Raises:
        Refused: the columns have different lengths or no rows.
    """
    if len(expected) != len(actual) or not expected:
        raise Refused("they have different numbers of rows, or none")
    return sum(_value(one) != _value(other) for one, other in zip(expected, actual, strict=True)) / len(expected)


def _value(text: str) -> Number | str:
    value = number(text)
    return text.strip() if value is None else value
