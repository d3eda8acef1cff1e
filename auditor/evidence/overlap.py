"""Counts the rows that training and test data share, and asks how likely so many are by chance."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass

from auditor.compare.errors import Refused
from auditor.compare.tables import Table, number, open_table
from auditor.errors import AuditorError
from auditor.evidence.claimed import ClaimedBytes
from auditor.evidence.unanswered import Inconclusive
from auditor.model.run import DataSource

_PERMUTATIONS = 999
_SEED = 0
_MOST_ROWS = 5_000_000

CERTAIN = 0.001
"""Below this probability any excess of shared rows is a leak: the upper 99.9 % bound."""

LIKELY, SHARE, TWINS = 0.1, 0.05, 0.25
"""A small test set has no power at 99.9 %: five rows copied into a hundred come about by chance once in sixty. There, a
share of 5 % or more is a leak at 10 %, provided that rows within one side are at most a quarter as often equal as across."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """``shared`` of the test's ``rows`` stand in the training data, as many or more by ``probability`` in a random split."""

    shared: int
    rows: int
    probability: float
    leaks: bool


def overlap(claimed: ClaimedBytes, train: DataSource, test: DataSource) -> Overlap:
    """Compare two tables row by row, without their id columns.

    The null hypothesis is that the pooled rows were split at random: the split is permuted 999 times (seeded), and the
    probability is the share of permutations with as many shared rows or more (Davison and Hinkley 1997, add-one rule).

    Raises:
        Inconclusive: a table is not here or cannot be read row by row, or the two have no columns in common.
    """
    one, other = _read(claimed, train), _read(claimed, test)
    if set(one.header) != set(other.header):
        raise Inconclusive(f"{train.name} and {test.name} do not have the same columns")
    shared = sum(count for row, count in other.rows.items() if row in one.rows)
    total = other.rows.total()
    if not shared:
        return Overlap(shared=0, rows=total, probability=1.0, leaks=False)
    probability = _by_chance(one.rows, other.rows, shared)
    share = shared / total
    within = (_twins(one.rows) + _twins(other.rows)) / (one.rows.total() + total)
    leaks = probability <= CERTAIN or (probability <= LIKELY and share >= SHARE and within <= TWINS * share)
    return Overlap(shared=shared, rows=total, probability=probability, leaks=leaks)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    header: tuple[str, ...]
    rows: Counter[bytes]


def _read(claimed: ClaimedBytes, data: DataSource) -> _Rows:
    try:
        with open_table(claimed.file(data)) as table:
            return _digested(table, data)
    except (Refused, AuditorError) as error:
        raise Inconclusive(f"{data.name} cannot be compared row by row: {error.message}") from None


def _digested(table: Table, data: DataSource) -> _Rows:
    declared = data.columns.id if data.columns is not None else None
    skipped = table.column("id", declared)
    # Columns in one order, so that tables with their columns shuffled compare alike.
    order = sorted(range(len(table.header)), key=lambda place: table.header[place])
    kept = [place for place in order if table.header[place] != skipped]
    if not kept:
        raise Inconclusive(f"{data.name} has no column besides its id")
    rows: Counter[bytes] = Counter()
    for count, row in enumerate(table.rows):
        if count >= _MOST_ROWS:
            raise Inconclusive(f"{data.name} has more than {_MOST_ROWS} rows")
        rows[row_digest([row[place] for place in kept])] += 1
    return _Rows(header=tuple(table.header[place] for place in kept), rows=rows)


def row_digest(cells: list[str]) -> bytes:
    """One digest a row: numbers by value (``1`` and ``1.0`` are one), text as it is, each tagged and separated."""
    state = hashlib.blake2b(digest_size=16)
    for cell in cells:
        value = number(cell)
        if value is None:
            state.update(b"t" + cell.encode(errors="surrogateescape"))
        else:
            # As an integer where it is one: doubles would make long ids alike, and cannot hold the longest.
            whole = isinstance(value, int) or value.is_integer()
            state.update(b"n" + (str(int(value)) if whole else repr(value)).encode())
        state.update(b"\0")
    return state.digest()


def _twins(rows: Counter[bytes]) -> int:
    return sum(count for count in rows.values() if count > 1)


def _by_chance(train: Counter[bytes], test: Counter[bytes], observed: int) -> float:
    """Probability that a random split of the pooled rows shares ``observed`` rows or more. Only repeated rows matter."""
    import numpy as np  # noqa: PLC0415  (only a shared row needs numbers)

    pooled = train + test
    groups = np.array([count for count in pooled.values() if count > 1])
    owner = np.repeat(np.arange(len(groups)), groups)
    size, held_out = pooled.total(), test.total()
    draw = np.random.default_rng(_SEED)
    reached = 0
    for _ in range(_PERMUTATIONS):
        in_test = draw.choice(size, size=len(owner), replace=False) < held_out
        tested = np.bincount(owner[in_test], minlength=len(groups))
        reached += int(tested[tested < groups].sum()) >= observed
    return (1 + reached) / (1 + _PERMUTATIONS)
