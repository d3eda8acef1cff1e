"""Asks of a split what a split must be: groups on one side, time in one direction, every row in exactly one part."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from auditor.compare.tables import number
from auditor.evidence.claimed import ClaimedBytes
from auditor.evidence.overlap import row_digest
from auditor.evidence.tables import MOST_ROWS, open_rows
from auditor.evidence.unanswered import Inconclusive
from auditor.model.run import DataSource


def distinct(claimed: ClaimedBytes, data: DataSource, column: str) -> frozenset[str]:
    """The values of a column, empty cells left out.

    Raises:
        Inconclusive: the table is not here, or lacks the column.
    """
    with open_rows(claimed, data) as table:
        return frozenset(cell.strip() for (cell,) in table.cells(column) if cell.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The first and the last time in a column; ``dated`` tells calendar times from mere numbers. Texts as written."""

    first: float
    last: float
    first_text: str
    last_text: str
    dated: bool


def span(claimed: ClaimedBytes, data: DataSource, column: str) -> Span:
    """The time that a data set spans: ISO 8601 dates and times (UTC where no zone is given), or numbers such as years.

    Raises:
        Inconclusive: the table is not here, lacks the column, or holds something else in it.
    """
    low: tuple[float, str] | None = None
    high: tuple[float, str] | None = None
    kinds: set[bool] = set()
    with open_rows(claimed, data) as table:
        for (cell,) in table.cells(column):
            if not cell.strip():
                continue
            value, dated = _moment(cell.strip(), data)
            kinds.add(dated)
            low = (value, cell) if low is None or value < low[0] else low
            high = (value, cell) if high is None or value > high[0] else high
    if low is None or high is None or len(kinds) != 1:
        raise Inconclusive(f"the column {column!r} of {data.name} holds no times, or dates and numbers mixed")
    return Span(first=low[0], last=high[0], first_text=low[1], last_text=high[1], dated=kinds.pop())


def _moment(text: str, data: DataSource) -> tuple[float, bool]:
    value = number(text)
    if value is not None and abs(value) < 1e300:
        return float(value), False
    try:
        when = datetime.fromisoformat(text)
        return (when if when.tzinfo is not None else when.replace(tzinfo=UTC)).timestamp(), True
    except (ValueError, OverflowError):
        raise Inconclusive(f"{data.name}: {text[:40]!r} is neither an ISO date nor a number") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """How far the parts of a split are the whole: rows in no part, in more than one, and rows that the whole lacks."""

    lost: int
    repeated: int
    foreign: int


def partition(claimed: ClaimedBytes, whole: DataSource, parts: list[DataSource]) -> Partition:
    """Compare a data set with the parts it was split into, by id column where all declare one, else by whole rows.

    Raises:
        Inconclusive: a table is not here, or they do not have the same columns.
    """
    everything = [whole, *parts]
    ids = [data.columns.id if data.columns is not None else None for data in everything]
    if None not in ids:
        counted = [Counter(chain.from_iterable(_cells(claimed, d, str(c)))) for d, c in zip(everything, ids, strict=True)]
    else:
        counted = [rows_of(claimed, data)[1] for data in everything]
        if len({rows_of(claimed, data)[0] for data in everything}) > 1:
            raise Inconclusive(f"the parts of {whole.name} do not have its columns, and no id column to know rows by")
    origin = counted[0]
    together: Counter[str] | Counter[bytes] = sum(counted[1:], Counter())
    return Partition(
        lost=(origin - together).total(),
        repeated=sum(count - origin[row] for row, count in together.items() if 0 < origin[row] < count),
        foreign=sum(count for row, count in together.items() if not origin[row]),
    )


def _cells(claimed: ClaimedBytes, data: DataSource, column: str) -> list[tuple[str, ...]]:
    with open_rows(claimed, data) as table:
        return list(table.cells(column))


def rows_of(claimed: ClaimedBytes, data: DataSource) -> tuple[tuple[str, ...], Counter[bytes]]:
    """The columns of a table in alphabetical order, and its rows as digests over the cells in that order.

    Raises:
        Inconclusive: the table is not here, or is too large.
    """
    with open_rows(claimed, data) as table:
        if not table.header:
            rows: Counter[bytes] = Counter()
            for index, row in enumerate(table.rows):
                if index >= MOST_ROWS:
                    raise Inconclusive(f"{data.name} has more than {MOST_ROWS} rows")
                rows[row_digest(list(row))] += 1
            return (), rows
        names = tuple(sorted(table.header))
        return names, Counter(row_digest(list(cells)) for cells in table.cells(*names))
