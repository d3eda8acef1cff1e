"""Counts the rows that training and test data share, and asks how likely so many are by chance."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass

from auditor.compare.tables import number
from auditor.evidence.claimed import ClaimedBytes
from auditor.evidence.tables import MOST_ROWS, Rows, open_rows
from auditor.evidence.unanswered import Inconclusive
from auditor.model.run import DataSource

_PERMUTATIONS = 999
_SEED = 0

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
    with open_rows(claimed, train) as one, open_rows(claimed, test) as other:
        left, right = _common(one, train, other, test)
        seen, held_out = _digested(one, left), _digested(other, right)
    shared = sum(count for row, count in held_out.items() if row in seen)
    total = held_out.total()
    if not shared:
        return Overlap(shared=0, rows=total, probability=1.0, leaks=False)
    probability = _by_chance(seen, held_out, shared)
    share = shared / total
    within = (_twins(seen) + _twins(held_out)) / (seen.total() + total)
    leaks = probability <= CERTAIN or (probability <= LIKELY and share >= SHARE and within <= TWINS * share)
    return Overlap(shared=shared, rows=total, probability=probability, leaks=leaks)


def _common(one: Rows, train: DataSource, other: Rows, test: DataSource) -> tuple[list[int] | None, list[int] | None]:
    """The places, in either table, of the columns that both have and that are no id; None for tables without a header.

    A test table without labels is compared by its features. Columns are put in one order, so that it does not matter.
    """
    if not one.header and not other.header:
        return None, None
    ids = {table.column("id", data.columns.id if data.columns else None) for table, data in ((one, train), (other, test))}
    names = sorted((set(one.header) & set(other.header)) - ids)
    if not names:
        raise Inconclusive(f"{train.name} and {test.name} have no column in common besides an id")
    return [one.header.index(name) for name in names], [other.header.index(name) for name in names]


def _digested(table: Rows, kept: list[int] | None) -> Counter[bytes]:
    rows: Counter[bytes] = Counter()
    for count, row in enumerate(table.rows):
        if count >= MOST_ROWS:
            raise Inconclusive(f"{table.name} has more than {MOST_ROWS} rows")
        if kept is not None and len(row) < len(table.header):
            raise Inconclusive(f"row {count + 1} of {table.name} is shorter than its header")
        rows[row_digest(list(row) if kept is None else [row[place] for place in kept])] += 1
    return rows


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
