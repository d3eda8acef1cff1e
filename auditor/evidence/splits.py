"""Asks of a split what a split must be: groups on one side, time in one direction, every row in exactly one part."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from msgspec import structs

from auditor.compare.tables import number
from auditor.evidence.claimed import ClaimedBytes, unsafe
from auditor.evidence.history import History
from auditor.evidence.overlap import row_digest
from auditor.evidence.tables import MOST_ROWS, open_rows
from auditor.evidence.unanswered import Inconclusive
from auditor.model.run import DataSource

_COMMITS = 1_000


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
    by_id = None not in ids
    counted: list[Counter[bytes]] = []
    header: tuple[str, ...] | None = None
    for data, column in zip(everything, ids, strict=True):
        names, rows = rows_of(claimed, data, (column,) if by_id and column is not None else None)
        if not by_id and header not in {None, names}:
            raise Inconclusive(f"the parts of {whole.name} do not have its columns, and no id column to know rows by")
        header = names
        counted.append(rows)
    origin, together = counted[0], sum(counted[1:], Counter())
    return Partition(
        lost=(origin - together).total(),
        repeated=sum(count - origin[row] for row, count in together.items() if 0 < origin[row] < count),
        foreign=sum(count for row, count in together.items() if not origin[row]),
    )


def rows_of(
    claimed: ClaimedBytes, data: DataSource, columns: tuple[str, ...] | None = None
) -> tuple[tuple[str, ...], Counter[bytes]]:
    """Some columns of a table, or all in alphabetical order, and its rows as digests over the cells in that order.

    Raises:
        Inconclusive: the table is not here, or is too large.
    """
    with open_rows(claimed, data) as table:
        names = columns or tuple(sorted(table.header))
        cells = table.cells(*names) if names else itertools.islice(table.rows, MOST_ROWS + 1)
        rows = Counter(row_digest(list(row)) for row in cells)
    if rows.total() > MOST_ROWS:
        raise Inconclusive(f"{data.name} has more than {MOST_ROWS} rows")
    return names, rows


def former_snapshot(data: DataSource, history: History, claimed: ClaimedBytes) -> tuple[tuple[str, ...], Counter[bytes]]:
    """The columns and rows, as :func:`rows_of` gives them, of the snapshot that ``data`` supersedes.

    It is looked for among the last commits that changed the same path.

    Raises:
        Inconclusive: it is not there, or is no table.
    """
    wanted = data.supersedes.digest if data.supersedes is not None else None
    if wanted is None or data.path is None or unsafe(data.path):
        raise Inconclusive(f"{data.name} names no former snapshot, or has no path to look at")
    try:
        where = ("--format=%H", history.head, "--", f":(literal){data.path}")
        listed = history.repository.ask("log", f"--max-count={_COMMITS}", *where)
    except ValueError:  # a name that has no bytes
        listed = None
    for commit in (listed or "").split():
        if history.digest_at(commit, data.path) == wanted:
            past = ClaimedBytes(root=claimed.root, repository=history.repository, commit=commit, scratch=claimed.scratch)
            return rows_of(past, structs.replace(data, digest=wanted))
    raise Inconclusive(f"the snapshot that {data.name} supersedes is not in the history of {data.path}")
