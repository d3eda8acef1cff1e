"""Compares the labels that predictions were measured against with the labels of the test data, row by row."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from auditor.compare.tables import number
from auditor.evidence.claimed import ClaimedBytes
from auditor.evidence.tables import open_rows
from auditor.evidence.unanswered import Inconclusive, NotApplicable
from auditor.model.run import Artifact, DataSource

_FEWEST = 10
_HALF = 0.5
_CLOSE = 1e-4
"""Relative distance within which two figures are the same quantity: predictions are often written with fewer digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mislabelled:
    """``wrong`` of ``rows`` have another label than the test data; ``example`` is the id of the first."""

    wrong: int
    rows: int
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Labels:
    ids: list[str]
    values: list[str]


def mislabelled(
    claimed: ClaimedBytes, predictions: Artifact | DataSource, test: DataSource, declared: tuple[str | None, str | None]
) -> Mislabelled | None:
    """How many labels beside the predictions are not those of the test data; None when all are.

    Labels may be written under other names (0 for "setosa"), and several may be merged into one (4 and 5 into "good"): what
    counts is that equal labels of the test data stay equal. Rows are paired by id, or else by their place; one pairing under
    which nothing is wrong is enough. ``declared`` are the id and label columns of the predictions.

    Raises:
        NotApplicable: there are no labels to compare, no rows to pair, or the two are not the same quantity at all.
        Inconclusive: a table is not here.
    """
    columns = test.columns
    own = _read(claimed, predictions, *declared)
    real = _read(claimed, test, columns.id if columns else None, columns.label if columns else None)
    pairings = [pairs for pairs in (_by_id(own, real), _by_place(own, real)) if len(pairs) >= _FEWEST]
    if not pairings:
        raise NotApplicable(f"too few rows of {test.name} can be paired with the predictions")
    best = min((_wrong(pairs) for pairs in pairings), key=len)
    rows = min(len(pairs) for pairs in pairings)
    if len(best) > _HALF * rows:
        raise NotApplicable(f"the predictions are measured against something else than the label column of {test.name}")
    return Mislabelled(wrong=len(best), rows=rows, example=best[0]) if best else None


def _read(claimed: ClaimedBytes, claim: Artifact | DataSource, key: str | None, label: str | None) -> _Labels:
    with open_rows(claimed, claim) as table:
        column, ids = table.column("label", label), table.column("id", key)
        if column is None:
            raise NotApplicable(f"{claim.name} has no label column")
        cells = list(table.cells(column, ids) if ids is not None else table.cells(column))
    return _Labels(ids=[row[1] for row in cells] if ids is not None else [], values=[row[0] for row in cells])


_Pair = tuple[str, str, str]
"""Id, label of the test data, label beside the prediction."""


def _by_id(own: _Labels, real: _Labels) -> list[_Pair]:
    # A name that occurs twice identifies nothing.
    counts, others = Counter(real.ids), Counter(own.ids)
    known = {key: value for key, value in zip(real.ids, real.values, strict=False) if counts[key] == 1}
    return [(k, known[k], v) for k, v in zip(own.ids, own.values, strict=False) if k in known and others[k] == 1]


def _by_place(own: _Labels, real: _Labels) -> list[_Pair]:
    if len(own.values) != len(real.values):
        return []
    return [(str(i), one, other) for i, (one, other) in enumerate(zip(real.values, own.values, strict=True), start=1)]


def _wrong(pairs: list[_Pair]) -> list[str]:
    """The ids of the rows whose label is not what most rows with the same label of the test data have."""
    if sum(_same(one, other) for _, one, other in pairs) > _HALF * len(pairs):
        return [key for key, one, other in pairs if not _same(one, other)]
    counted: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for _, one, other in pairs:
        counted[one][other] += 1
    usual = {one: found.most_common(1)[0][0] for one, found in counted.items()}
    return [key for key, one, other in pairs if usual[one] != other]


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    left, right = number(one), number(other)
    if left is None or right is None:
        return False
    return left == right or abs(left - right) <= _CLOSE * max(abs(left), abs(right))


__all__ = ["Inconclusive", "Mislabelled", "mislabelled"]
